//! Every setting is a flag of the same name, and what a flag says is over what the file says.

use clap::FromArgMatches as _;

use super::super::{Cli, Verb};
use super::*;
use crate::spec::engine::Prune;
use crate::spec::table::{ENGINE, Kind, Table};

/// The rows of single values: `pruneDelay` of `prune.delay`.
fn leaves(table: &'static Table, before: &str, found: &mut Vec<String>) {
    for field in table.fields {
        let path = format!("{before}{}", field.name);
        match field.kind {
            Kind::Object(table) => leaves(table, &format!("{path}."), found),
            _ => found.push(path),
        }
    }
}

fn flag_of(path: &str) -> String {
    let mut flag = String::new();
    for letter in path.chars() {
        match letter {
            '.' => flag.push('-'),
            upper if upper.is_ascii_uppercase() => {
                flag.push('-');
                flag.push(upper.to_ascii_lowercase());
            }
            other => flag.push(other),
        }
    }
    flag
}

#[test]
fn every_setting_has_a_flag_of_the_same_name() {
    let mut command = crate::cli::command();
    command.build();
    let watch = command.find_subcommand("watch").unwrap();
    let flags: Vec<&str> = watch.get_arguments().filter_map(clap::Arg::get_long).collect();
    let mut paths = Vec::new();
    leaves(&ENGINE, "", &mut paths);
    for path in paths {
        // Places are given without a flag, several owners one by one; a repository has flags of its own, without its word before them.
        let flag = match path.as_str() {
            "specs" => continue,
            path if path.starts_with("git.") => continue,
            "trustOwners" => "trust-owner".to_owned(),
            path => flag_of(path),
        };
        assert!(flags.contains(&flag.as_str()), "`{path}` has no flag `--{flag}` among {flags:?}");
    }
}

#[test]
fn what_a_flag_says_is_over_what_the_file_says() {
    let line = [
        "selfsame",
        "watch",
        "specs",
        "--recursive",
        "--trust-owner",
        "ann",
        "--trust-owner",
        "7",
        "--limits-files",
        "3",
        "--limits-bytes",
        "2MiB",
        "--limits-file-bytes",
        "1KiB",
        "--host-name",
        "web1",
        "--host-labels",
        "a=b,c=d",
        "--prune-max-fraction",
        "25%",
        "--prune-allow-empty=false",
        "--max-parallel-starts",
        "2",
        "--resync",
        "1m",
        "--settle",
        "1s",
        "--settle-max",
        "5s",
        "--prune-delay",
        "3s",
        "--stop-on-exit",
        "--metrics",
        "127.0.0.1:1",
    ];
    let Verb::Watch(args) = Cli::read(&line.map(std::ffi::OsString::from)).unwrap().verb else {
        panic!("another verb")
    };
    let mut settings =
        Settings { prune: Prune { allow_empty: true, ..Prune::default() }, ..Settings::default() };
    settings.host.labels.insert("of".into(), "file".into());
    args.settings.put_over(&mut settings);
    let said = Settings {
        recursive: true,
        trust_owners: vec![Account::Name("ann".into()), Account::Id(7)],
        settle: Duration::from_secs(1),
        settle_max: Duration::from_secs(5),
        resync: Duration::from_mins(1),
        prune: Prune { delay: Duration::from_secs(3), max_fraction: 250, allow_empty: false },
        max_parallel_starts: Some(2),
        stop_on_exit: Some(true),
        metrics: Some(([127, 0, 0, 1], 1).into()),
        ..settings.clone()
    };
    assert_eq!(settings, said);
    assert_eq!(
        (settings.limits.files, settings.limits.bytes, settings.limits.file_bytes),
        (3, 2 << 20, 1 << 10)
    );
    assert_eq!(settings.host.name.as_deref(), Some("web1"));
    let labels: Vec<_> = settings.host.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(labels, ["a=b", "c=d"]);
}

#[test]
fn a_flag_that_is_not_given_changes_nothing() {
    let command = <WatchSettings as Args>::augment_args(clap::Command::new("watch"));
    let matches = command.try_get_matches_from(["watch"]).unwrap();
    let given = WatchSettings::from_arg_matches(&matches).unwrap();
    let mut settings = Settings { recursive: true, resync: Duration::from_hours(1), ..Settings::default() };
    let before = settings.clone();
    given.put_over(&mut settings);
    assert_eq!(settings, before);
}
