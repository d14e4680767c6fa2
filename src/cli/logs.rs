//! `logs`: what a service wrote, byte by byte.

use super::args::LogsArgs;
use super::exit::Exit;
use super::state;
use super::terminal::Terminal;
use crate::host::clock;
use crate::host::errno::io_text;
use crate::host::output::open::Refused;
use crate::host::output::read::{Next, Reader, Watch};
use crate::host::state_dir::Dirs;
use crate::plan::action::OutputTarget;
use crate::plan::output::{Stream, file_of};
use crate::plan::wanted::no_object;
use crate::spec::ServiceName;
use crate::units::format_size;

/// Runs `logs`.
pub(super) fn run(args: &LogsArgs, dirs: &Dirs, terminal: Terminal) -> Exit {
    match told(args, dirs, terminal) {
        Ok(()) => Exit::Ok,
        Err(Failed::Said(exit)) => exit,
        Err(Failed::Because(sentence)) => {
            terminal.say(&format!("error: {sentence}"));
            Exit::Failed
        }
    }
}

enum Failed {
    /// Everything was said already.
    Said(Exit),
    /// A sentence.
    Because(String),
}

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        Self::Because(format!("the output can't be read: {}", io_text(&error)))
    }
}

fn told(args: &LogsArgs, dirs: &Dirs, terminal: Terminal) -> Result<(), Failed> {
    let path = path(args, dirs, terminal)?;
    let mut reader = loop {
        match Reader::new(&path, &dirs.outputs()) {
            Ok(reader) => break reader,
            Err(Refused::Missing) if args.follow => clock::pause(std::time::Duration::from_secs(1)),
            Err(Refused::Missing) => return Err(Failed::Because(nothing(&path))),
            Err(error) => {
                return Err(Failed::Because(format!("`{}` can't be read: {error}", path.display())));
            }
        }
    };
    if let Some(since) = args.since {
        reader.seek_time(since.moment(clock::now().wall))?;
    }
    if let Some(count) = args.lines {
        let since = reader.position();
        reader.seek_lines(count)?;
        // Both are given: the later of the two.
        if args.since.is_some() && reader.position() < since {
            reader.seek(since);
        }
    }
    let there = crate::host::exists(&path);
    if !there && !args.follow && reader.position() == 0 {
        return Err(Failed::Because(nothing(&path)));
    }
    pour(&mut reader, args.follow, terminal)
}

fn nothing(path: &std::path::Path) -> String {
    format!("nothing was written yet, or it was removed: `{}` isn't there", path.display())
}

fn pour(reader: &mut Reader, follow: bool, terminal: Terminal) -> Result<(), Failed> {
    let mut watch = Watch::new();
    loop {
        match reader.read_on()? {
            Next::Bytes(bytes) => {
                if !terminal.bytes(&bytes) {
                    return Ok(());
                }
            }
            Next::Gap(bytes) => {
                terminal.say(&format!("warning: {} are not kept any more", format_size(bytes)));
            }
            Next::Anew => terminal.say("warning: the file was emptied or replaced by somebody else"),
            Next::End if follow => {
                if !reader.wait(&mut watch)? {
                    return Ok(());
                }
            }
            Next::End => return Ok(()),
        }
    }
}

fn path(args: &LogsArgs, dirs: &Dirs, terminal: Terminal) -> Result<std::path::PathBuf, Failed> {
    let opened = state::look(dirs, terminal).map_err(|reason| Failed::Said(reason.report(terminal)))?;
    let record = ServiceName::new(&args.name).ok().and_then(|name| opened.memory.services.get(&name));
    let Some(record) = record else {
        let known = opened.memory.services.keys().map(ServiceName::as_str);
        return Err(Failed::Because(no_object(&args.name, known)));
    };
    let replicas = record.spec.replicas;
    if args.replica >= replicas && !record.instances.contains_key(&args.replica) {
        let text = format!("`{}` has {replicas} replicas, the last one is {}", args.name, replicas - 1);
        return Err(Failed::Because(text));
    }
    let stream = if args.stderr { Stream::Err } else { Stream::Out };
    let (run, log) = (dirs.run.display().to_string(), dirs.log.display().to_string());
    let word = stream.word();
    let elsewhere = |text: &str| Err(Failed::Because(format!("`{word}` of `{}` {text}", args.name)));
    match file_of(record, args.replica, stream, (&run, &log)) {
        OutputTarget::File(path) => Ok(path),
        OutputTarget::Null => elsewhere("is thrown away"),
        OutputTarget::Inherit => elsewhere("goes where that of selfsame goes"),
        OutputTarget::Syslog(_) => elsewhere(&format!(
            "goes to the system's log: ask there, for example `journalctl -t {}`",
            args.name
        )),
    }
}
