//! Cuts on the file system that the tests run on, with a writer that counts, and a death at every step.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "tests"
)]

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::ability::Ability;
use super::compress::compress_one;
use super::cut::Cutter;
use super::journal::Journal;
use super::moved::{Elsewhere, elsewhere, place};
use super::open::{Opened, existing};
use super::pieces::list;
use super::read::{Next, Reader, whole};
use crate::spec::Rotation;

struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
        fs::create_dir_all(&beside).unwrap();
        let dir = tempfile::Builder::new().tempdir_in(beside).unwrap();
        fs::create_dir(dir.path().join("journals")).unwrap();
        Self { dir }
    }

    fn log(&self) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join("log")
    }

    fn journals(&self) -> PathBuf {
        self.dir.path().join("journals")
    }

    fn append(&self, bytes: &[u8]) -> File {
        let mut file = OpenOptions::new().append(true).create(true).open(self.log()).unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn open(&self) -> Opened {
        let own = rustix::process::geteuid().as_raw();
        existing(&self.log(), OFlags::RDWR, &[own]).unwrap()
    }

    fn at(&self) -> PathBuf {
        Journal::place(&self.journals(), &self.log())
    }

    fn kept(&self) -> Vec<u8> {
        whole(&self.log(), &self.journals()).unwrap()
    }
}

/// Lines with a number each, so that every byte has its place.
fn lines(from: usize, count: usize) -> Vec<u8> {
    (from..from + count).flat_map(|n| format!("{n:09}\n").into_bytes()).collect()
}

fn rotation(max: u64, keep: u32) -> Rotation {
    Rotation { max_size: Some(max), keep, compress: false }
}

/// What the file system of the tests can do, and the same without its best.
fn abilities(dir: &Path) -> Vec<Ability> {
    let dir = File::open(dir).unwrap().into();
    match Ability::of(&dir).unwrap() {
        Ability::Collapse(unit) => vec![Ability::Collapse(unit), Ability::Punch(unit)],
        Ability::Punch(unit) => vec![Ability::Punch(unit)],
        Ability::Neither => {
            eprintln!("skipped: files can't be cut here");
            Vec::new()
        }
    }
}

#[test]
fn the_head_goes_into_pieces_and_every_byte_is_there_once() {
    let bench = Bench::new();
    for ability in abilities(bench.dir.path()) {
        let bench = Bench::new();
        let text = lines(0, 10_000);
        bench.append(&text);
        let opened = bench.open();
        let mut cutter = Cutter::new(&opened, &bench.at(), ability).unwrap();
        assert!(cutter.turn(rotation(16 << 10, 50)).unwrap());
        assert!(cutter.live().unwrap() < 16 << 10, "{ability:?}");
        assert!(bench.kept() == text, "{ability:?}");
        let more = lines(10_000, 5_000);
        bench.append(&more);
        assert!(Cutter::new(&opened, &bench.at(), ability).unwrap().turn(rotation(16 << 10, 50)).unwrap());
        let all = [text, more].concat();
        assert!(bench.kept() == all, "{ability:?}");
        // Pieces that are compressed are the same stream.
        while compress_one(&opened, &[rustix::process::geteuid().as_raw()]).unwrap() {}
        assert!(list(&opened.dir, &opened.name).unwrap().iter().all(|piece| piece.packed));
        assert!(bench.kept() == all, "{ability:?}");
        // Fewer are kept: the newest, without a gap to the file.
        Cutter::new(&opened, &bench.at(), ability).unwrap().turn(rotation(16 << 10, 2)).unwrap();
        assert_eq!(list(&opened.dir, &opened.name).unwrap().len(), 2);
        let kept = bench.kept();
        assert!(kept.len() > 2 * (12 << 10) && all.ends_with(&kept), "{ability:?}");
    }
}

#[test]
fn a_death_at_any_step_loses_and_doubles_nothing() {
    let bench = Bench::new();
    for ability in abilities(bench.dir.path()) {
        for point in [
            "half a piece",
            "piece is there",
            "journal says punching",
            "hole is there",
            "journal says collapsing",
            "head is taken out",
        ] {
            // Lines that are all the same: nothing in the content tells what was cut already.
            for text in [lines(0, 2_000), b"the same\n".repeat(2_000)] {
                let bench = Bench::new();
                bench.append(&text);
                let opened = bench.open();
                let mut cutter = Cutter::new(&opened, &bench.at(), ability).unwrap();
                cutter.die_at = Some(point);
                let died = cutter.turn(rotation(8 << 10, 50));
                let collapses = matches!(ability, Ability::Collapse(_));
                assert_eq!(
                    died.is_err(),
                    collapses || !point.contains("collapsing") && !point.contains("out")
                );
                assert!(bench.kept() == text, "read at {point}, {ability:?}");
                let more = b"more\n".repeat(300);
                bench.append(&more);
                let all = [text, more].concat();
                assert!(bench.kept() == all, "read at {point} with more, {ability:?}");
                let mut cutter = Cutter::new(&opened, &bench.at(), ability).unwrap();
                assert!(bench.kept() == all, "taken up after {point}, {ability:?}");
                cutter.turn(rotation(8 << 10, 50)).unwrap();
                assert!(bench.kept() == all, "cut after {point}, {ability:?}");
            }
        }
    }
}

#[test]
fn what_grows_faster_than_it_is_copied_stays_within_its_bound() {
    let bench = Bench::new();
    for ability in abilities(bench.dir.path()) {
        let bench = Bench::new();
        let text = lines(0, 40_000);
        bench.append(&text);
        let opened = bench.open();
        Cutter::new(&opened, &bench.at(), ability).unwrap().turn(rotation(16 << 10, 2)).unwrap();
        let kept = bench.kept();
        assert!(text.ends_with(&kept), "{ability:?}");
        assert!((32 << 10..=48 << 10).contains(&kept.len()), "{} bytes are kept, {ability:?}", kept.len());
        let used: u64 = fs::read_dir(bench.dir.path())
            .unwrap()
            .map(|entry| std::os::unix::fs::MetadataExt::blocks(&entry.unwrap().metadata().unwrap()) * 512)
            .sum();
        assert!(used < 80 << 10, "{used} bytes of disk, {ability:?}");
    }
}

#[test]
fn a_file_that_was_emptied_or_replaced_goes_on_behind_its_pieces() {
    let bench = Bench::new();
    for ability in abilities(bench.dir.path()) {
        let bench = Bench::new();
        bench.append(&lines(0, 3_000));
        let opened = bench.open();
        Cutter::new(&opened, &bench.at(), ability).unwrap().turn(rotation(8 << 10, 50)).unwrap();
        let mut reader = Reader::new(&bench.log(), &bench.journals()).unwrap();
        while reader.read_on().unwrap() != Next::End {}
        let pieces: Vec<u8> = lines(0, 3_000)[..bench.kept().len() / 4096 * 4096].to_vec();
        opened.file.set_len(0).unwrap();
        bench.append(b"emptied\n");
        assert_eq!(reader.read_on().unwrap(), Next::Anew, "{ability:?}");
        assert_eq!(reader.read_on().unwrap(), Next::Bytes(b"emptied\n".to_vec()));
        fs::remove_file(bench.log()).unwrap();
        bench.append(b"another\n");
        assert_eq!(reader.read_on().unwrap(), Next::Anew);
        assert_eq!(reader.read_on().unwrap(), Next::Bytes(b"another\n".to_vec()));
        let opened = bench.open();
        Cutter::new(&opened, &bench.at(), ability).unwrap().turn(rotation(8 << 10, 50)).unwrap();
        let kept = bench.kept();
        assert!(kept.ends_with(b"another\n") && pieces.starts_with(&kept[..kept.len() - 8]), "{ability:?}");
    }
}

#[test]
fn the_last_lines_and_a_moment_are_found_across_pieces() {
    let bench = Bench::new();
    for ability in abilities(bench.dir.path()) {
        let bench = Bench::new();
        bench.append(&lines(0, 3_000));
        let opened = bench.open();
        Cutter::new(&opened, &bench.at(), ability).unwrap().turn(rotation(8 << 10, 50)).unwrap();
        let rest = |reader: &mut Reader| {
            let mut all = Vec::new();
            while let Next::Bytes(bytes) = reader.read_on().unwrap() {
                all.extend(bytes);
            }
            all
        };
        let mut reader = Reader::new(&bench.log(), &bench.journals()).unwrap();
        for count in [0, 1, 2, 300, 1_000, 2_999, 3_000, 5_000] {
            reader.seek_lines(count).unwrap();
            let expected = lines(3_000 - count.min(3_000), count.min(3_000));
            assert!(rest(&mut reader) == expected, "{count}, {ability:?}");
        }
        bench.append(b"unfinished");
        reader.seek_lines(1).unwrap();
        assert_eq!(rest(&mut reader), b"unfinished");
        reader.seek_lines(2).unwrap();
        assert_eq!(rest(&mut reader), b"000002999\nunfinished");
    }
}

#[test]
fn planted_files_are_left_alone() {
    let bench = Bench::new();
    let own = rustix::process::geteuid().as_raw();
    bench.append(b"x");
    let refused = |owners: &[u32]| existing(&bench.log(), OFlags::RDWR, owners).unwrap_err().to_string();
    assert!(refused(&[own + 1]).contains("belongs to user"));
    fs::hard_link(bench.log(), bench.dir.path().join("second")).unwrap();
    assert!(refused(&[own]).contains("second name"));
    fs::remove_file(bench.log()).unwrap();
    std::os::unix::fs::symlink("second", bench.log()).unwrap();
    assert!(refused(&[own]).contains("symbolic link"));
    // A piece that was swapped for a link to something else is not compressed, and stays.
    fs::remove_file(bench.log()).unwrap();
    bench.append(&lines(0, 2_000));
    let opened = bench.open();
    let Some(ability) = abilities(bench.dir.path()).first().copied() else { return };
    Cutter::new(&opened, &bench.at(), ability).unwrap().turn(rotation(8 << 10, 50)).unwrap();
    let piece = list(&opened.dir, &opened.name).unwrap()[0].name(&opened.name);
    let piece = bench.dir.path().join(piece);
    fs::remove_file(&piece).unwrap();
    fs::hard_link(bench.dir.path().join("second"), &piece).unwrap();
    assert!(compress_one(&opened, &[own]).unwrap_err().to_string().contains("second name"));
    assert_eq!(fs::read(&piece).unwrap(), b"x");
}

/// logrotate's `create`: the service wrote on to the renamed file, and nobody said so.
#[test]
fn a_file_that_was_moved_away_from_its_writer_is_told_from_one_that_is_written_to() {
    let bench = Bench::new();
    let (path, file) = (bench.log(), bench.append(b"x"));
    let mut writer = std::process::Command::new("sleep");
    let mut writer = writer.arg("60").stdout(file).stderr(std::process::Stdio::null()).spawn().unwrap();
    let pid = crate::units::Pid(i32::try_from(writer.id()).unwrap());
    let at = |path: &Path| Some(place(&fs::metadata(path).unwrap()));
    let first = at(&path);
    assert_eq!(elsewhere(pid, &path, first, first), None);
    let second = path.with_extension("1");
    fs::rename(&path, &second).unwrap();
    let moved = Some(Elsewhere::Moved(second.clone()));
    assert_eq!(elsewhere(pid, &path, first, None), moved);
    bench.append(b"");
    assert_eq!(elsewhere(pid, &path, first, at(&path)), moved);
    // By its name alone, where nobody knows which file it was.
    assert_eq!(elsewhere(pid, &path, None, at(&path)), moved);
    let own = crate::units::Pid(i32::try_from(std::process::id()).unwrap());
    assert_eq!(elsewhere(own, &path, first, at(&path)), None, "it is another's");
    let third = bench.dir.path().canonicalize().unwrap().join("else");
    fs::rename(&second, &third).unwrap();
    assert_eq!(elsewhere(pid, &path, None, at(&path)), None, "it may always have been its output");
    assert_eq!(elsewhere(pid, &path, first, at(&path)), Some(Elsewhere::Moved(third.clone())));
    fs::remove_file(&third).unwrap();
    assert_eq!(elsewhere(pid, &path, first, at(&path)), Some(Elsewhere::Removed));
    writer.kill().unwrap();
    writer.wait().unwrap();
}
