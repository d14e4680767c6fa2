//! Titles that hide which script an interpreter executes, from all but its pid file and its family.

use super::*;

const ENV: &str = "/usr/bin/python3";

/// What `env` executed, or itself once more (spamd on HUP), under a title.
fn hidden(world: &mut TestWorld, pid: i32, ppid: i32, title: &str) {
    world.start_script(pid, ppid, PY, &["/usr/bin/python3", "/srv/a.py"], ENV);
    change(world, pid).arguments = Fact::Known(words(&[title]));
}

#[test]
fn what_a_title_hides_is_told_by_the_pid_file_that_names_it() {
    let q = Query { pidfile: Some(bytes("/run/app.pid")), ..query("/srv/a.py", &["x"]) };
    let mut world = TestWorld::new();
    hidden(&mut world, 600, 1, "a.py: ready");
    check("by the title alone", &world, &q, "?600", "");
    pid_file(&mut world, 600, |_| {});
    check("by both", &world, &q, "600~!", "600");
    hidden(&mut world, 600, 1, "[/srv/a.py: 3]");
    check("with marks around", &world, &q, "600~!", "600");
    hidden(&mut world, 600, 1, "other: ready");
    check("the title is another one's", &world, &q, "?600", "");
    hidden(&mut world, 600, 1, "a.py: ready");
    pid_file(&mut world, 600, |file| file.mode = 0o666);
    check("the file could be anybody's", &world, &q, "?600", "");
}

/// Workers of what was found or is on record can't be instances: nothing has to be known of them.
#[test]
fn a_title_below_one_of_the_family_is_no_doubt() {
    let mut world = TestWorld::new();
    app(&mut world, 600, 1, &["x"]);
    hidden(&mut world, 601, 600, "a worker");
    hidden(&mut world, 602, 601, "its worker");
    let q = query("/srv/a.py", &["x"]);
    check("below one that was found", &world, &q, "600=", "600");
    hidden(&mut world, 600, 1, "the main one");
    check("all hidden", &world, &q, "?600 ?601 ?602", "");
    let q = Query { recorded: BTreeSet::from([Pid(600)]), ..q };
    check("on record and below", &world, &q, "", "");
}
