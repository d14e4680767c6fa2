//! `/proc/PID/stat` (`proc_pid_stat(5)`).

use std::sync::Arc;

use super::number;
use crate::facts::{ProcessState, Stat};
use crate::units::{Pid, StartTicks};

/// Reads the one line of `/proc/PID/stat`; `page` is the size of a page in bytes.
///
/// The name in parentheses is chosen by the process and may contain `) (` and newlines, so the fields are
/// counted from the *last* closing parenthesis: everything after it was written by the kernel as numbers.
pub fn parse_stat(bytes: &[u8], page: u64) -> Option<Stat> {
    let open = bytes.iter().position(|b| *b == b'(')?;
    let close = bytes.iter().rposition(|b| *b == b')')?;
    let comm = bytes.get(open + 1..close)?;
    let mut fields = Fields(bytes.get(close + 1..)?, 3);
    let [letter] = fields.word(3)? else { return None };
    Some(Stat {
        comm: Arc::from(comm),
        state: ProcessState::from_letter(*letter)?,
        ppid: Pid(number(fields.word(4)?)?),
        pgid: Pid(number(fields.word(5)?)?),
        sid: Pid(number(fields.word(6)?)?),
        tty: number::<i32>(fields.word(7)?)?.cast_unsigned(),
        tpgid: number(fields.word(8)?)?,
        flags: number(fields.word(9)?)?,
        faults: [number(fields.word(10)?)?, number(fields.word(12)?)?],
        cpu_ticks: [fields.ticks(14)?, fields.ticks(15)?, fields.ticks(16)?, fields.ticks(17)?],
        priority: number(fields.word(18)?)?,
        nice: number(fields.word(19)?)?,
        threads: number(fields.word(20)?)?,
        start: StartTicks(number(fields.word(22)?)?),
        vsize: number(fields.word(23)?)?,
        rss: u64::try_from(number::<i64>(fields.word(24)?)?).unwrap_or(0).saturating_mul(page),
        rt_priority: number(fields.word(40)?)?,
        policy: number(fields.word(41)?)?,
        arg_range: (number(fields.word(48)?)?, number(fields.word(49)?)?),
    })
}

/// What little of the line tells one process from another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Brief<'a> {
    /// Field 2.
    pub comm: &'a [u8],
    /// Field 3.
    pub state: ProcessState,
    /// Field 9.
    pub flags: u32,
    /// Field 22.
    pub start: StartTicks,
    /// The fields of [`LAYOUT`].
    layout: [&'a [u8]; LAYOUT.len()],
}

/// How far a process is with executing its program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// It has new memory, in which its arguments and environment don't stand yet: they read as if there were none.
    Executing,
    /// They stand there, if it was given any.
    Whole,
    /// That isn't shown to us.
    Untold,
}

/// Where code, stack, data, heap, arguments and environment are.
const LAYOUT: [u32; 10] = [26, 27, 28, 45, 46, 47, 48, 49, 50, 51];

impl<'a> Brief<'a> {
    /// `PF_RANDOMIZE` of `include/linux/sched.h`: exec chose the places of its stack and what is mapped at random.
    const RANDOM: u32 = 0x0040_0000;
    /// `PF_EXITING` there: it is ending, and has no memory any more or soon.
    const EXITING: u32 = 0x0000_0004;

    /// Where its parts lie in memory, as the kernel wrote it: the next exec chooses others. `None`: they aren't random, or not
    /// shown to us.
    pub fn layout(&self) -> Option<[&'a [u8]; LAYOUT.len()]> {
        // Without permission the kernel writes 1 for the code and 0 for the rest.
        let shown = self.layout.get(2).is_some_and(|stack| *stack != b"0");
        (shown && self.flags & Self::RANDOM != 0).then_some(self.layout)
    }

    /// Of one that isn't the kernel's. The end of the environment is what execve writes down last, and what the kernel
    /// goes by as well (`get_mm_cmdline`, fs/proc/base.c).
    pub fn stage(&self) -> Stage {
        // It may take long to end, and there is nothing to come.
        if self.flags & Self::EXITING != 0 {
            return Stage::Whole;
        }
        let [code, .., environment_end] = self.layout;
        match (code, environment_end) {
            // As for `layout`.
            (b"1", b"0") => Stage::Untold,
            (_, b"0") => Stage::Executing,
            _ => Stage::Whole,
        }
    }

    /// As [`Stat::is_kernel_thread`].
    pub fn is_kernel_thread(&self) -> bool {
        self.flags & Stat::KERNEL_THREAD != 0
    }
}

/// As [`parse_stat`], without what nobody asks for who only wants to know it again.
pub fn parse_brief(bytes: &[u8]) -> Option<Brief<'_>> {
    let open = bytes.iter().position(|b| *b == b'(')?;
    let close = bytes.iter().rposition(|b| *b == b')')?;
    let comm = bytes.get(open + 1..close)?;
    let mut fields = Fields(bytes.get(close + 1..)?, 3);
    let [letter] = fields.word(3)? else { return None };
    let state = ProcessState::from_letter(*letter)?;
    let flags = number(fields.word(9)?)?;
    let start = StartTicks(number(fields.word(22)?)?);
    let mut layout = [&[][..]; LAYOUT.len()];
    for (place, field) in layout.iter_mut().zip(LAYOUT) {
        *place = fields.word(field)?;
    }
    Some(Brief { comm, state, flags, start, layout })
}

/// The rest of the line and the number of the field that it begins with.
struct Fields<'a>(&'a [u8], u32);

impl<'a> Fields<'a> {
    /// Field `wanted`, counted as in the manual page. Fields are asked for in ascending order.
    fn word(&mut self, wanted: u32) -> Option<&'a [u8]> {
        loop {
            // The kernel writes blanks between fields, and nothing else.
            let start = self.0.iter().position(|b| *b != b' ')?;
            let rest = self.0.get(start..)?;
            let end = rest.iter().position(|b| matches!(b, b' ' | b'\n')).unwrap_or(rest.len());
            let (word, tail) = rest.split_at_checked(end)?;
            if word.is_empty() {
                return None;
            }
            let here = self.1;
            (self.0, self.1) = (tail, here + 1);
            if here == wanted {
                return Some(word);
            }
        }
    }

    /// A time. The kernel prints those of children signed.
    fn ticks(&mut self, wanted: u32) -> Option<u64> {
        let word = self.word(wanted)?;
        number::<u64>(word).or_else(|| number::<i64>(word).map(|_| 0))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests say what they expect")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TAIL: &str = "S 1 412 412 34816 -1 4194560 1 2 3 4 14 15 16 17 20 -5 3 0 987654 \
        8192000 250 18446744073709551615 1 2 3 4 5 0 0 0 0 0 0 0 17 1 99 2 0 0 0 1 2 3 4096 4123 4124 4200 0\n";

    #[test]
    fn names_with_parentheses_and_newlines_do_not_shift_fields() {
        for name in ["web", "a) (b", ") S 1 1 1 (", "two\nlines", "", " ", "))((", "x) Z 0 0"] {
            let stat = parse_stat(format!("412 ({name}) {TAIL}").as_bytes(), 4096).unwrap();
            assert_eq!(stat.comm.as_ref(), name.as_bytes());
            assert_eq!(
                (stat.state, stat.ppid, stat.start),
                (ProcessState::Sleeping, Pid(1), StartTicks(987_654))
            );
        }
    }

    #[test]
    fn every_field_is_taken_from_its_place() {
        let stat = parse_stat(format!("412 (web) {TAIL}").as_bytes(), 4096).unwrap();
        assert_eq!((stat.pgid, stat.sid, stat.tty, stat.tpgid), (Pid(412), Pid(412), 34816, -1));
        assert_eq!((stat.flags, stat.cpu_ticks), (4_194_560, [14, 15, 16, 17]));
        assert_eq!((stat.priority, stat.nice, stat.threads), (20, -5, 3));
        assert_eq!((stat.vsize, stat.rss), (8_192_000, 250 * 4096));
        assert_eq!((stat.rt_priority, stat.policy, stat.arg_range), (99, 2, (4096, 4123)));
    }

    proptest! {
        #![proptest_config(crate::regressions::config())]

        #[test]
        fn the_brief_form_says_the_same(name in "[ -~\\n]{0,20}", flags in any::<u32>(), start in any::<u64>()) {
            let tail = TAIL.replace(" 4194560 ", &format!(" {flags} ")).replace(" 987654 ", &format!(" {start} "));
            let line = format!("412 ({name}) {tail}");
            let (whole, brief) = (parse_stat(line.as_bytes(), 1).unwrap(), parse_brief(line.as_bytes()).unwrap());
            prop_assert_eq!((&*whole.comm, whole.state), (brief.comm, brief.state));
            prop_assert_eq!((whole.flags, whole.start), (brief.flags, brief.start));
            prop_assert_eq!(brief.is_kernel_thread(), whole.is_kernel_thread());
            prop_assert_eq!(brief.layout().is_some(), flags & 0x0040_0000 != 0);
        }
    }

    #[test]
    fn who_is_in_the_midst_of_execve_is_told_from_who_has_no_arguments() {
        let nothing = [(45, "0"), (46, "0"), (47, "0"), (48, "0"), (49, "0"), (50, "0"), (51, "0")];
        let rows: [(&[(usize, &str)], Stage); 8] = [
            (&[], Stage::Whole),
            // No arguments at all, as before Linux 5.18, and neither those nor an environment.
            (&[(49, "4096"), (50, "4096")], Stage::Whole),
            (&[(49, "4096"), (50, "4096"), (51, "4096")], Stage::Whole),
            // It said that they are elsewhere (PR_SET_MM).
            (&[(48, "8192"), (49, "8192")], Stage::Whole),
            // New memory; with code and stack; with all but the end of the environment.
            (&[(26, "0"), (27, "0"), (28, "0")], Stage::Executing),
            (&[(26, "4198400")], Stage::Executing),
            (&[(26, "1"), (27, "1"), (28, "0")], Stage::Untold),
            // It ends, and its memory is gone.
            (&[(9, "4194308"), (26, "0"), (27, "0"), (28, "0")], Stage::Whole),
        ];
        for (changes, stage) in rows {
            let mut fields: Vec<&str> = TAIL.split_ascii_whitespace().collect();
            let has_memory = stage == Stage::Whole && changes.first().is_none_or(|(number, _)| *number != 9);
            let base: &[_] = if has_memory { &[] } else { &nothing };
            for (number, text) in base.iter().chain(changes) {
                *fields.get_mut(number - 3).unwrap() = text;
            }
            let line = format!("412 (web) {}\n", fields.join(" "));
            assert_eq!(parse_brief(line.as_bytes()).unwrap().stage(), stage, "{line}");
        }
    }

    #[test]
    fn places_that_are_not_random_or_not_shown_say_nothing() {
        let line = |flags: u32, stack: u64| {
            let tail = TAIL.replace(" 4194560 ", &format!(" {flags} "));
            let fields: Vec<&str> = tail.split(' ').collect();
            let stack = stack.to_string();
            let fields: Vec<&str> = (3..)
                .zip(&fields)
                .map(|(number, field)| if number == 28 { &*stack } else { *field })
                .collect();
            format!("412 (web) {}", fields.join(" "))
        };
        let of = |line: &str| parse_brief(line.as_bytes()).unwrap().layout().map(|layout| layout.concat());
        let random = 0x0040_0000;
        assert!(of(&line(random, 700)).is_some());
        assert_ne!(of(&line(random, 700)), of(&line(random, 701)));
        assert_eq!(of(&line(random, 0)), None);
        assert_eq!(of(&line(0, 700)), None);
    }

    #[test]
    fn what_is_cut_short_is_not_in_the_documented_form() {
        let whole = format!("412 (web) {TAIL}");
        let needed = whole.find(" 4123").unwrap();
        for end in 0..needed {
            assert_eq!(parse_stat(whole.as_bytes().get(..end).unwrap(), 4096), None, "{end}");
        }
        for wrong in ["412 web S 1", "412 )web( S", "412 (web) Q 1 2", "412 (web) S x", "412 (web) SS 1"] {
            assert_eq!(parse_stat(wrong.as_bytes(), 4096), None, "{wrong}");
        }
    }

    /// Form feeds and the like were blanks too, so that fields stood elsewhere than for other readers.
    #[test]
    fn only_blanks_stand_between_fields() {
        let whole = format!("412 (web) {TAIL}");
        for odd in ["\u{c}", "\r", "\t"] {
            let text = whole.replacen(" S 1 ", &format!(" S{odd}1 "), 1);
            assert_eq!(parse_stat(text.as_bytes(), 4096), None, "{odd:?}");
        }
    }

    proptest! {
        #![proptest_config(crate::regressions::config())]

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse_stat(&bytes, 4096);
        }

        #[test]
        fn any_name_is_given_back(name in proptest::collection::vec(any::<u8>(), 0..16)) {
            let mut line = b"9 (".to_vec();
            line.extend_from_slice(&name);
            line.extend_from_slice(b") ");
            line.extend_from_slice(TAIL.as_bytes());
            prop_assert_eq!(parse_stat(&line, 4096).unwrap().comm.to_vec(), name);
        }
    }
}
