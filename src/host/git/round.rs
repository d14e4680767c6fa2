//! One round, step by step: what runs, and what follows from how it ended.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::child::{Ended, Order};
use super::order::{self, TIME, WORDS_MAX};
use super::{Git, News, tree};
use crate::host::{atomic, errno::io_text, spec_dir};
use crate::plan::action::Launch;
use crate::spec::Revision;
use crate::units::WallTime;

/// For a fetch, the first one included.
const FETCH_TIME: Duration = Duration::from_mins(10);
/// What a listing may have: 50 000 names of some length.
const LISTING_MAX: usize = 16 << 20;
/// A file of allowed signers.
const SIGNERS_MAX: u64 = 1 << 20;
/// Where a fetched commit waits to be judged.
const CANDIDATE: &str = "refs/selfsame/candidate";
/// Before what is asked for, on a line of its own, since complaints go the same way.
const MARK: &str = "selfsame:";

/// What is being done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// Remove what a former round left.
    Clear,
    /// Remove a clone that can't be used.
    Wipe,
    /// Make the clone.
    Init,
    /// Fetch the branch.
    Fetch,
    /// Which commit is it?
    Name,
    /// Is the commit in force an ancestor of it?
    Follows,
    /// Who signed it?
    Signature,
    /// What is in it?
    List,
    /// Into the index.
    Read,
    /// Out of the index, into files.
    Export,
    /// Pack what has become many.
    Tidy,
    /// Remove the trees of former revisions.
    Sweep,
}

/// What is known of the revision that the round is about.
#[derive(Debug, Default)]
pub(super) struct Round {
    revision: Option<Revision>,
    links: Vec<String>,
}

impl Git {
    /// The first step of a round.
    pub(super) fn first(&self) -> Step {
        if self.kept.old().iter().any(|path| *path == self.kept.fresh()) {
            return Step::Clear;
        }
        self.begin_with_clone()
    }

    fn begin_with_clone(&self) -> Step {
        let bare = self.kept.bare();
        match bare.join("HEAD").exists() {
            true if self.broken => Step::Wipe,
            true => Step::Fetch,
            false => Step::Init,
        }
    }

    /// What follows; nothing at the end of a round.
    pub(super) fn after(&mut self, step: Step, ended: &Ended) -> Result<Option<Step>, String> {
        match step {
            Step::Clear => {
                ended.good().map_err(|text| format!("a former tree can't be removed: {text}"))?;
                Ok(Some(self.begin_with_clone()))
            }
            Step::Wipe => {
                ended.good().map_err(|text| format!("the clone can't be removed: {text}"))?;
                self.broken = false;
                Ok(Some(Step::Init))
            }
            Step::Init => {
                self.local("the clone can't be made", ended)?;
                Ok(Some(Step::Fetch))
            }
            Step::Fetch => self.fetched(ended).map(|()| Some(Step::Name)),
            Step::Name => self.named(ended),
            Step::Follows => self.follows(ended).map(Some),
            Step::Signature => self.signed(ended),
            Step::List => {
                let listing = self.local("its tree can't be listed", ended)?;
                let path = self.source.path.as_deref();
                let listed = tree::judge(listing, path).map_err(|text| self.refuse(&text))?;
                self.round.links = listed.links;
                self.kept.make_fresh()?;
                Ok(Some(Step::Read))
            }
            Step::Read => {
                self.local("its tree can't be read", ended)?;
                Ok(Some(Step::Export))
            }
            Step::Export => {
                self.local("its files can't be written", ended)?;
                self.take()?;
                Ok(Some(Step::Tidy))
            }
            // What is not tidied today is tidied after the next revision.
            Step::Tidy => Ok(Some(Step::Sweep)),
            Step::Sweep => Ok(None),
        }
    }

    /// What a step gave that has nothing to do with the network: if it fails, the clone is in doubt.
    fn local<'e>(&mut self, what: &str, ended: &'e Ended) -> Result<&'e [u8], String> {
        ended.good().map_err(|text| {
            self.broken = true;
            format!("{what}: {text}")
        })
    }

    fn fetched(&mut self, ended: &Ended) -> Result<(), String> {
        ended.good().map(|_| ()).map_err(|text| {
            // What a killed git leaves locked is locked for ever. Of a repository that isn't one over there git says "does not appear to be".
            let signs = [".lock'", "corrupt", "not a git repository: '"];
            self.broken = signs.iter().any(|sign| text.contains(sign));
            format!("it can't be fetched: {text}")
        })
    }

    fn named(&mut self, ended: &Ended) -> Result<Option<Step>, String> {
        let output = self.local("the commit can't be read", ended)?;
        let line = marked(output).ok_or("the commit can't be read")?;
        let (commit, time) = line.split_once(' ').ok_or("the commit can't be read")?;
        if commit.len() < 40 || !commit.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err("the commit can't be read".into());
        }
        let committed = time.trim().parse().ok().map(|seconds| WallTime(Duration::from_secs(seconds)));
        let revision = Revision {
            commit: commit.to_owned(),
            branch: self.source.branch.clone(),
            dirty: false,
            signer: None,
            committed,
        };
        let same = self.kept.commit() == Some(commit);
        let unsigned = self.kept.revision().is_none_or(|revision| revision.signer.is_none());
        let judged = !(self.source.require_signed && unsigned);
        self.round.revision = Some(revision);
        if same && judged && self.kept.is_whole(&self.boot) {
            self.news = Some(Ok(News::Same));
            return Ok(None);
        }
        let may_rewind = same || self.source.allow_rewind || self.kept.commit().is_none();
        Ok(Some(if may_rewind { self.then_signature() } else { Step::Follows }))
    }

    fn then_signature(&self) -> Step {
        if self.source.require_signed { Step::Signature } else { Step::List }
    }

    fn follows(&mut self, ended: &Ended) -> Result<Step, String> {
        match ended.code {
            Some(0) => Ok(self.then_signature()),
            // 128: the one in force isn't there any more.
            Some(1 | 128) => {
                let former =
                    self.kept.commit().and_then(|commit| commit.get(..10)).unwrap_or_default().to_owned();
                Err(self.refuse(&format!(
                    "it does not follow `{former}`, which is in force; if that is meant, give `--allow-rewind`"
                )))
            }
            _ => Err(format!("whether it follows can't be told: {}", ended.words())),
        }
    }

    fn signed(&mut self, ended: &Ended) -> Result<Option<Step>, String> {
        let output = ended.good().map_err(|text| format!("its signature can't be verified: {text}"))?;
        let line = marked(output).unwrap_or_default();
        let (verdict, signer) = line.split_once('\t').unwrap_or((line, ""));
        let text = match verdict {
            "G" if !signer.is_empty() => {
                let signer = signer.to_owned();
                return Ok(self.take_signer(signer));
            }
            "N" => "it is not signed",
            "G" | "U" => "it is signed by nobody who is allowed to",
            _ => "its signature is not good",
        };
        Err(self.refuse(text))
    }

    fn take_signer(&mut self, signer: String) -> Option<Step> {
        let revision = self.round.revision.as_mut()?;
        revision.signer = Some(signer);
        if self.kept.commit() == Some(revision.commit.as_str()) && self.kept.is_whole(&self.boot) {
            self.kept.note_again(revision);
            self.news = Some(Ok(News::Taken(revision.clone())));
            return None;
        }
        Some(Step::List)
    }

    fn take(&mut self) -> Result<(), String> {
        tree::judge_links(&self.kept.fresh(), &self.round.links).map_err(|text| self.refuse(&text))?;
        let revision = self.round.revision.clone().ok_or("nothing was fetched")?;
        self.kept.turn(&revision, &self.boot)?;
        self.news = Some(Ok(News::Taken(revision)));
        Ok(())
    }

    fn refuse(&self, text: &str) -> String {
        let commit = self.round.revision.as_ref().map_or("", Revision::short);
        format!("the commit `{commit}` is not taken: {text}")
    }

    /// What runs for a step.
    pub(super) fn order(&self, step: Step) -> Result<Order, String> {
        let commit = self.round.revision.as_ref().map_or("", |revision| revision.commit.as_str());
        let bare = self.kept.bare().display().to_string();
        let mut order = match step {
            Step::Clear => remove(&[self.kept.fresh()]),
            Step::Wipe => remove(&[self.kept.bare()]),
            Step::Sweep => remove(&self.kept.old()),
            Step::Init => self.git(&["init", "--quiet", "--bare", "--template=", "--", &bare]),
            Step::Fetch => {
                let branch = self.source.branch.as_ref();
                let from = branch.map_or_else(|| "HEAD".to_owned(), |branch| format!("refs/heads/{branch}"));
                let refspec = format!("+{from}:{CANDIDATE}");
                self.git(&[
                    "fetch",
                    "--quiet",
                    "--no-tags",
                    "--no-recurse-submodules",
                    "--no-write-fetch-head",
                    "--",
                    &self.source.url,
                    &refspec,
                ])
            }
            Step::Name => self.git(&["log", "-1", &format!("--format={MARK}%H %ct"), CANDIDATE, "--"]),
            Step::Follows => {
                self.git(&["merge-base", "--is-ancestor", self.kept.commit().unwrap_or_default(), commit])
            }
            Step::Signature => {
                self.copy_signers()?;
                let file = format!("gpg.ssh.allowedSignersFile={}", self.kept.signers().display());
                // Only these signers count, and no keyring.
                let none = ["gpg.program=/bin/false", "gpg.x509.program=/bin/false"];
                let format = format!("--format={MARK}%G?%x09%GS");
                let settings = ["-c", &file, "-c", none[0], "-c", none[1]];
                self.git(&[&settings[..], &["log", "-1", &format, commit, "--"]].concat())
            }
            Step::List => {
                let listing = self.git(&["ls-tree", "-r", "-z", "-l", "--full-tree", commit]);
                Order { most: LISTING_MAX, answer_only: true, ..listing }
            }
            Step::Read => self.git(&["read-tree", commit]),
            Step::Export => self.git(&["checkout-index", "--all", "--force", "--quiet"]),
            Step::Tidy => {
                self.git(&["-c", "gc.auto=6700", "-c", "gc.autoDetach=false", "gc", "--auto", "--quiet"])
            }
        };
        if step == Step::Fetch {
            order.timeout = FETCH_TIME;
        }
        if matches!(step, Step::Read | Step::Export) {
            let fresh = self.kept.fresh();
            let env = &mut order.launch.env;
            env.insert("GIT_INDEX_FILE".into(), self.kept.index().display().to_string());
            env.insert("GIT_WORK_TREE".into(), fresh.display().to_string());
            order.launch.working_directory = fresh;
        }
        if step != Step::Init {
            order.launch.env.insert("GIT_DIR".into(), bare);
        }
        Ok(order)
    }

    /// git that uses one protocol.
    fn git(&self, arguments: &[&str]) -> Order {
        let mut order = order::git(&self.program, &self.env, arguments);
        order.launch.env.insert("GIT_ALLOW_PROTOCOL".into(), self.protocol.clone());
        order
    }

    /// A file that others can change says nothing about who may sign.
    fn copy_signers(&self) -> Result<(), String> {
        let Some(path) = &self.source.allowed_signers else { return Err("nothing says who may sign".into()) };
        let bytes = spec_dir::read_file(path, &spec_dir::Trust::own(), SIGNERS_MAX)
            .map_err(|text| format!("`{}` can't be used: {text}", path.display()))?;
        atomic::write(&self.kept.signers(), &bytes, 0o600).map_err(|error| io_text(&error))
    }
}

fn remove(paths: &[PathBuf]) -> Order {
    let rm = ["/bin/rm", "/usr/bin/rm"].into_iter().find(|rm| Path::new(rm).exists()).unwrap_or("/bin/rm");
    let mut argv: Vec<String> = ["rm", "-rf", "--"].map(str::to_owned).into();
    argv.extend(paths.iter().map(|path| path.display().to_string()));
    let launch = Launch { argv, ..Launch::bare(PathBuf::from(rm)) };
    Order { launch, timeout: TIME, most: WORDS_MAX, answer_only: false }
}

/// The line that was asked for.
fn marked(output: &[u8]) -> Option<&str> {
    std::str::from_utf8(output).ok()?.lines().find_map(|line| line.strip_prefix(MARK))
}
