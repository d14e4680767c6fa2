//! What a module can ask of us. Pointers and lengths are unsigned, whatever their sign; one that leads out of the memory
//! of the module is its end. Everything costs fuel by the bytes that are looked at.

use std::fmt;

use memchr::memmem;
use wasmi::ValType::{self, I32, I64};
use wasmi::errors::HostError;
use wasmi::{Caller, Error, Linker, Memory, StoreLimits, StoreLimitsBuilder, TrapCode};

use super::Regexes;
use crate::plugin::answer::line;
use crate::plugin::ask::{Log, NOT_GRANTED, Request};
use crate::plugin::limits::{
    LOG_KEPT_MAX, LOG_LINE_MAX, LOG_LINES_MAX, MEMORY_MAX, TABLE_MAX, TABLES_MAX, TEXT_MAX,
};

/// The name that imports stand under.
pub(super) const NAME: &str = "selfsame";
/// A function that is offered: name, parameters, results.
type Offered = (&'static str, &'static [ValType], &'static [ValType]);
/// What is offered under that name.
pub(super) const IMPORTS: [Offered; 7] = [
    ("log", &[I32; 3], &[]),
    ("now", &[], &[I64]),
    ("input", &[I32; 3], &[I32]),
    ("file", &[I32; 4], &[I32]),
    ("find", &[I32; 4], &[I32]),
    ("split", &[I32; 5], &[I32]),
    ("regex", &[I32; 6], &[I32]),
];

/// A group that took no part in a match.
const NO_GROUP: u32 = u32::MAX;
/// Fuel of a call of a host function, beside the bytes.
const CALL: u64 = 20;

/// A call that waits.
#[derive(Debug)]
pub(super) struct Suspended {
    pub(super) request: Request,
    /// Where the answer is written.
    pub(super) out: u32,
    /// How much of it fits.
    pub(super) room: u32,
}

impl fmt::Display for Suspended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("waits for the host")
    }
}

impl HostError for Suspended {}

/// What belongs to an instance beside its memory.
pub(super) struct Host {
    pub(super) limits: StoreLimits,
    pub(super) memory: Option<Memory>,
    /// Nanoseconds since the epoch, if that is known.
    pub(super) now: Option<i64>,
    /// It was asked for and is not known.
    pub(super) missed_now: bool,
    /// A function that depends on nothing but its arguments is running.
    pub(super) pure: bool,
    pub(super) log: Log,
    pub(super) regexes: Regexes,
    pairs: Vec<u8>,
}

impl Host {
    pub(super) fn new(regexes: Regexes, log: Log) -> Self {
        let limits = StoreLimitsBuilder::new()
            .memory_size(MEMORY_MAX)
            .memories(1)
            .tables(TABLES_MAX)
            .table_elements(TABLE_MAX)
            .instances(1)
            .build();
        Self {
            limits,
            memory: None,
            now: None,
            missed_now: false,
            pure: false,
            log,
            regexes,
            pairs: Vec::new(),
        }
    }
}

/// The functions that are offered.
pub(super) fn functions(linker: &mut Linker<Host>) -> Result<(), wasmi::errors::LinkerError> {
    linker.func_wrap(NAME, "log", log)?;
    linker.func_wrap(NAME, "now", now)?;
    linker.func_wrap(NAME, "input", input)?;
    linker.func_wrap(NAME, "file", file)?;
    linker.func_wrap(NAME, "find", find)?;
    linker.func_wrap(NAME, "split", split)?;
    linker.func_wrap(NAME, "regex", regex)?;
    Ok(())
}

type Asked<'a> = Caller<'a, Host>;
/// Pointer and length as they are given.
type Place = (i32, i32);

/// The bits of it as a number of bytes.
fn unsigned(value: i32) -> usize {
    usize::try_from(value.cast_unsigned()).unwrap_or(usize::MAX)
}

/// Takes fuel for a call that looks at so many bytes, one for each.
fn burn(caller: &mut Asked<'_>, bytes: usize) -> Result<(), Error> {
    let cost = CALL.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    let left = caller.get_fuel()?.checked_sub(cost);
    caller.set_fuel(left.unwrap_or(0))?;
    left.map(|_| ()).ok_or_else(|| Error::from(TrapCode::OutOfFuel))
}

fn memory(caller: &mut Asked<'_>) -> Result<Memory, Error> {
    let known = caller.data().memory;
    // A start function runs before the instance is ours.
    let found = known.or_else(|| caller.get_export("memory").and_then(wasmi::Extern::into_memory));
    found.ok_or_else(|| Error::new("a host function was called without a memory"))
}

fn within(data: &[u8], (pointer, length): Place) -> Result<&[u8], Error> {
    let start = unsigned(pointer);
    let bytes = start.checked_add(unsigned(length)).and_then(|end| data.get(start..end));
    bytes.ok_or_else(|| {
        Error::new(format!("{} bytes at {start:#x} are outside of its memory", unsigned(length)))
    })
}

fn log(mut caller: Asked<'_>, level: i32, pointer: i32, length: i32) -> Result<(), Error> {
    let shown = unsigned(length).min(LOG_LINE_MAX);
    burn(&mut caller, shown)?;
    let memory = memory(&mut caller)?;
    let (data, host) = memory.data_and_store_mut(&mut caller);
    let text = within(data, (pointer, i32::try_from(shown).unwrap_or(0)))?;
    host.log.said = host.log.said.saturating_add(1);
    if host.log.said <= LOG_LINES_MAX && host.log.lines.len() < LOG_KEPT_MAX {
        host.log.lines.push((u8::try_from(level.clamp(0, 3)).unwrap_or(3), line(text, LOG_LINE_MAX)));
    }
    Ok(())
}

fn now(mut caller: Asked<'_>) -> Result<i64, Error> {
    burn(&mut caller, 0)?;
    if caller.data().pure {
        return Err(Error::new("a pure function asked for the time"));
    }
    let host = caller.data_mut();
    host.missed_now |= host.now.is_none();
    Ok(host.now.unwrap_or(0))
}

fn input(mut caller: Asked<'_>, index: i32, out: i32, room: i32) -> Result<i32, Error> {
    burn(&mut caller, 0)?;
    let request = Request::Input(index.cast_unsigned());
    Err(Error::host(Suspended { request, out: out.cast_unsigned(), room: room.cast_unsigned() }))
}

fn file(mut caller: Asked<'_>, path: i32, length: i32, out: i32, room: i32) -> Result<i32, Error> {
    burn(&mut caller, unsigned(length))?;
    if caller.data().pure {
        return Err(Error::new("a pure function asked for a file"));
    }
    if unsigned(length) > TEXT_MAX {
        return Ok(NOT_GRANTED);
    }
    let memory = memory(&mut caller)?;
    let path = within(memory.data(&caller), (path, length))?.to_vec();
    let request = Request::File(path);
    Err(Error::host(Suspended { request, out: out.cast_unsigned(), room: room.cast_unsigned() }))
}

fn find(
    mut caller: Asked<'_>,
    hay: i32,
    hay_length: i32,
    needle: i32,
    needle_length: i32,
) -> Result<i32, Error> {
    burn(&mut caller, unsigned(hay_length).saturating_add(unsigned(needle_length)))?;
    let memory = memory(&mut caller)?;
    let data = memory.data(&caller);
    let (hay, needle) = (within(data, (hay, hay_length))?, within(data, (needle, needle_length))?);
    let found = memmem::find(hay, needle).and_then(|at| i32::try_from(at).ok());
    Ok(found.unwrap_or(-1))
}

/// Offsets are below 16 MiB, the size of a memory.
fn pair(pairs: &mut Vec<u8>, offset: usize, length: usize) {
    pairs.extend(u32::try_from(offset).unwrap_or(NO_GROUP).to_le_bytes());
    pairs.extend(u32::try_from(length).unwrap_or(0).to_le_bytes());
}

/// Writes what was gathered. Only now, since the text that was looked at may lie in the same place.
fn put_pairs(memory: Memory, caller: &mut Asked<'_>, out: i32, pairs: &[u8]) -> Result<(), Error> {
    let written = memory.write(&mut *caller, unsigned(out), pairs);
    written.map_err(|_| Error::new(format!("{} bytes at {out:#x} are outside of its memory", pairs.len())))
}

fn split(
    mut caller: Asked<'_>,
    hay: i32,
    hay_length: i32,
    byte: i32,
    out: i32,
    room: i32,
) -> Result<i32, Error> {
    burn(&mut caller, unsigned(hay_length))?;
    let memory = memory(&mut caller)?;
    let mut pairs = std::mem::take(&mut caller.data_mut().pairs);
    pairs.clear();
    let text = within(memory.data(&caller), (hay, hay_length))?;
    let [separator, ..] = byte.to_le_bytes();
    let (mut parts, mut start) = (0_usize, 0_usize);
    for end in memchr::memchr_iter(separator, text).chain([text.len()]) {
        if parts < unsigned(room) {
            pair(&mut pairs, start, end - start);
        }
        parts += 1;
        start = end + 1;
    }
    burn(&mut caller, parts.saturating_mul(2))?;
    put_pairs(memory, &mut caller, out, &pairs)?;
    caller.data_mut().pairs = pairs;
    Ok(i32::try_from(parts).unwrap_or(i32::MAX))
}

fn regex(
    mut caller: Asked<'_>,
    hay: i32,
    hay_length: i32,
    pattern: i32,
    pattern_length: i32,
    out: i32,
    room: i32,
) -> Result<i32, Error> {
    burn(&mut caller, unsigned(pattern_length))?;
    let memory = memory(&mut caller)?;
    let (data, host) = memory.data_and_store_mut(&mut caller);
    let (text, pattern) = (within(data, (hay, hay_length))?, within(data, (pattern, pattern_length))?);
    let Some(number) = host.regexes.number(pattern) else {
        return Err(Error::new("more regular expressions than a plugin may use"));
    };
    let Some(price) = host.regexes.get(number).map(|regex| regex.price(text.len())) else { return Ok(-1) };
    burn(&mut caller, price)?;
    let (data, host) = memory.data_and_store_mut(&mut caller);
    let text = within(data, (hay, hay_length))?;
    let Some(regex) = host.regexes.get(number) else { return Ok(-1) };
    let Some(groups) = regex.search(text) else {
        return Err(Error::new("a text that is too long for a regular expression"));
    };
    if !groups.is_match() {
        return Ok(0);
    }
    let mut pairs = std::mem::take(&mut host.pairs);
    pairs.clear();
    for group in groups.iter().take(unsigned(room)) {
        match group {
            Some(group) => pair(&mut pairs, group.start, group.end - group.start),
            None => {
                pairs.extend(NO_GROUP.to_le_bytes());
                pairs.extend(0_u32.to_le_bytes());
            }
        }
    }
    let count = i32::try_from(groups.group_len()).unwrap_or(i32::MAX);
    put_pairs(memory, &mut caller, out, &pairs)?;
    caller.data_mut().pairs = pairs;
    Ok(count)
}
