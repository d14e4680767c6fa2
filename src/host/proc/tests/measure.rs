//! How many system calls a look takes, counted by the number of descriptors that it opens.

use super::{World, look};
use crate::host::proc::Glance;

#[test]
fn a_question_about_exe_alone_opens_no_descriptor() {
    let world = look();
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: what is denied needs a second look too");
        return;
    }
    let mut images = 0;
    let glance = Glance::new();
    for pid in world.visible_pids().iter() {
        // Where a leader exited, its threads are asked, which takes a descriptor.
        if glance.stat(*pid).known().is_some_and(|stat| !stat.state.is_over()) {
            images += usize::from(world.exe_file(*pid).known().is_some());
        }
    }
    assert!(images > 0);
    // Kernel threads and zombies need a second look; nothing else does.
    let kept = world.kept.borrow().len();
    assert!(kept + images <= world.visible_pids().len(), "{kept} descriptors for {images} images");
}

#[test]
fn descriptors_stay_within_their_bound() {
    let mut world = look();
    world.most_kept = 5;
    for pid in world.visible_pids().iter() {
        let _ = (world.exe_file(*pid), world.status(*pid), world.arguments(*pid));
    }
    assert!(world.kept.borrow().len() <= 5);
}
