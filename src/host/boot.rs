//! Which boot the start times of processes are counted from.

use std::fs;
use std::io;
use std::sync::OnceLock;

use crate::units::BootId;

/// `/proc/sys/kernel/random/boot_id`. In a time namespace whose clocks are set otherwise, the start times of
/// `/proc/PID/stat` are shifted for whoever reads them (`time_namespaces(7)`): there it is another boot, so that times of one
/// are compared with times of the other by nobody.
///
/// # Errors
/// What the kernel answered.
pub fn boot_id() -> io::Result<BootId> {
    Ok(named(&fs::read("/proc/sys/kernel/random/boot_id")?))
}

/// The same from the text of that file.
pub(super) fn named(text: &[u8]) -> BootId {
    // A process doesn't change its time namespace but by executing or forking.
    static SHIFT: OnceLock<String> = OnceLock::new();
    let shift =
        SHIFT.get_or_init(|| shift(&fs::read_to_string("/proc/self/timens_offsets").unwrap_or_default()));
    BootId(format!("{}{shift}", String::from_utf8_lossy(text.trim_ascii())).into())
}

/// What is added to a boot's name: `+SECONDS.NANOSECONDS` of the row `boottime`, nothing where it isn't shifted. Before
/// Linux 5.6 the file isn't there.
fn shift(offsets: &str) -> String {
    let row = offsets.lines().find_map(|line| line.strip_prefix("boottime"));
    let mut words = row.unwrap_or_default().split_ascii_whitespace();
    match (words.next(), words.next()) {
        (Some("0"), Some("0")) | (None, _) | (_, None) => String::new(),
        (Some(seconds), Some(nanoseconds)) => format!("+{seconds}.{nanoseconds}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_time_is_another_boot() {
        assert_eq!(shift("monotonic           0         0\nboottime            0         0\n"), "");
        assert_eq!(shift(""), "");
        assert_eq!(shift("monotonic 0 0\nboottime -40000 0\n"), "+-40000.0");
        assert_eq!(shift("boottime 0 5\n"), "+0.5");
    }
}
