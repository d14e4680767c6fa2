//! What comes in on the control socket: the same lines however they are cut, and calls that are written as they are read.

use selfsame::host::control::Lines;
use selfsame::host::fuzzing::call;

/// The longest line of these inputs.
const MOST: usize = 1024;

pub fn check(data: &[u8]) {
    let whole = lines(&[data]);
    assert_eq!(lines(&data.chunks(7).collect::<Vec<_>>()), whole, "cut");
    for line in whole {
        assert!(line.len() <= MOST && !line.contains(&b'\n'));
        let Some(read) = call(&line) else { continue };
        let written = serde_json::to_vec(&read).unwrap();
        assert!(!written.contains(&b'\n'), "one line");
        assert_eq!(call(&written), Some(read), "written and read");
    }
}

fn lines(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
    let (mut lines, mut found) = (Lines::default(), Vec::new());
    for piece in pieces {
        lines.push(piece);
        while let Ok(Some(line)) = lines.next(MOST) {
            found.push(line);
        }
    }
    found
}
