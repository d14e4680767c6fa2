//! A running instance of a module.

use wasmi::errors::ErrorKind;
use wasmi::{Error, Memory, Store, TypedFunc, TypedResumableCall, Val};

use super::host::{Host, Suspended};
use super::{Module, Regexes};
use crate::plugin::ask::{Log, NOT_GRANTED, NOT_THERE, Reply, Request, Task, UNREADABLE};
use crate::plugin::failure::Failure;
use crate::plugin::limits::{MANIFEST_MAX, OUTPUT_MAX};

/// Bytes of the least buffer that is asked for.
const BUFFER_MIN: usize = 1024;

/// An instance.
pub(in crate::plugin) struct Guest {
    store: Store<Host>,
    memory: Memory,
    make_room: TypedFunc<i32, i32>,
    interface: TypedFunc<(), i32>,
    manifest: TypedFunc<(), i64>,
    entries: Vec<TypedFunc<(i32, i32), i64>>,
    /// Where inputs are written, and how much fits.
    room: (u32, usize),
    suspends: bool,
    given: u64,
}

impl std::fmt::Debug for Guest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guest").field("room", &self.room).finish_non_exhaustive()
    }
}

/// What outlives an instance.
#[derive(Debug, Default)]
pub(in crate::plugin) struct Kept {
    pub(in crate::plugin) regexes: Regexes,
    pub(in crate::plugin) log: Log,
}

impl Guest {
    /// Starts an instance; its start function runs. Also says what fuel that used.
    pub(in crate::plugin) fn start(
        module: &Module,
        exports: &[String],
        kept: Kept,
        fuel: u64,
    ) -> Result<(Self, u64), (Failure, Kept, u64)> {
        let mut store = Store::new(module.code.engine(), Host::new(kept.regexes, kept.log));
        store.limiter(|host| &mut host.limits);
        let left = fuel.saturating_sub(module.weight());
        let begun = store.set_fuel(left).and_then(|()| Parts::new(module, &mut store, exports));
        let used = fuel.saturating_sub(store.get_fuel().unwrap_or(0));
        match begun {
            Ok(parts) => {
                store.data_mut().memory = Some(parts.memory);
                let Parts { memory, make_room, interface, manifest, entries } = parts;
                let (room, suspends, given) = ((0, 0), module.suspends, fuel);
                Ok((
                    Self { store, memory, make_room, interface, manifest, entries, room, suspends, given },
                    used,
                ))
            }
            Err(error) => {
                let host = store.into_data();
                Err((started(&error), Kept { regexes: host.regexes, log: host.log }, used))
            }
        }
    }

    /// What outlives it.
    pub(in crate::plugin) fn end(self) -> Kept {
        let host = self.store.into_data();
        Kept { regexes: host.regexes, log: host.log }
    }

    /// The version of the interface that the module was built for.
    pub(in crate::plugin) fn interface(&mut self, fuel: u64) -> Result<i32, Failure> {
        self.fuel(fuel)?;
        self.interface.call(&mut self.store, ()).map_err(|error| failed(&error))
    }

    /// The manifest as bytes. At most one byte more than a manifest may have is given.
    pub(in crate::plugin) fn manifest(&mut self, fuel: u64) -> Result<Vec<u8>, Failure> {
        self.fuel(fuel)?;
        let place = self.manifest.call(&mut self.store, ()).map_err(|error| failed(&error))?;
        let (pointer, length) = slice(place);
        let shown = length.min(u32::try_from(MANIFEST_MAX + 1).unwrap_or(u32::MAX));
        self.bytes("the manifest", pointer, shown).map(<[u8]>::to_vec)
    }

    /// Calls an entry. `serve` answers what it asks for meanwhile. The result is valid until the next call.
    pub(in crate::plugin) fn call(
        &mut self,
        entry: usize,
        input: &[u8],
        task: Task,
        serve: &mut dyn FnMut(Request) -> Reply,
    ) -> Result<&[u8], Failure> {
        self.fuel(task.fuel)?;
        let host = self.store.data_mut();
        (host.now, host.missed_now, host.pure) = (task.now, false, task.pure);
        let pointer = self.put(input)?;
        let Some(function) = self.entries.get(entry).copied() else {
            return Err(Failure::Trap("there is no such entry".into()));
        };
        // The input is in the memory, which is smaller than 2 GiB.
        let arguments = (pointer.cast_signed(), i32::try_from(input.len()).unwrap_or(i32::MAX));
        let place = if self.suspends {
            self.finish(function, arguments, serve)?
        } else {
            function.call(&mut self.store, arguments).map_err(|error| failed(&error))?
        };
        let (pointer, length) = slice(place);
        if usize::try_from(length).unwrap_or(usize::MAX) > OUTPUT_MAX {
            return Err(Failure::TooLong(length));
        }
        self.bytes("the result", pointer, length)
    }

    /// What the last call used.
    pub(in crate::plugin) fn used(&self) -> u64 {
        self.given.saturating_sub(self.store.get_fuel().unwrap_or(0))
    }

    /// Whether the last call asked for the time, which is not known.
    pub(in crate::plugin) fn missed_now(&self) -> bool {
        self.store.data().missed_now
    }

    /// What it said.
    pub(in crate::plugin) fn log(&mut self) -> &mut Log {
        &mut self.store.data_mut().log
    }

    fn fuel(&mut self, fuel: u64) -> Result<(), Failure> {
        self.given = fuel;
        self.store.set_fuel(fuel).map_err(|error| failed(&error))
    }

    fn finish(
        &mut self,
        function: TypedFunc<(i32, i32), i64>,
        arguments: (i32, i32),
        serve: &mut dyn FnMut(Request) -> Reply,
    ) -> Result<i64, Failure> {
        let mut call = function.call_resumable(&mut self.store, arguments).map_err(|error| failed(&error))?;
        loop {
            let waiting = match call {
                TypedResumableCall::Finished(place) => return Ok(place),
                TypedResumableCall::OutOfFuel(_) => return Err(Failure::Fuel),
                TypedResumableCall::HostTrap(waiting) => waiting,
            };
            let Some(asked) = waiting.host_error().downcast_ref::<Suspended>() else {
                return Err(failed(waiting.host_error()));
            };
            let answer = self.serve(asked, serve)?;
            call = waiting.resume(&mut self.store, &[Val::I32(answer)]).map_err(|error| failed(&error))?;
        }
    }

    /// Writes the answer where it was asked for, if it fits.
    fn serve(&mut self, asked: &Suspended, serve: &mut dyn FnMut(Request) -> Reply) -> Result<i32, Failure> {
        let bytes = match serve(asked.request.clone()) {
            Reply::NotThere => return Ok(NOT_THERE),
            Reply::Unreadable => return Ok(UNREADABLE),
            Reply::NotGranted => return Ok(NOT_GRANTED),
            Reply::Bytes(bytes) => bytes,
        };
        let cost = u64::try_from(bytes.len()).unwrap_or(u64::MAX) / 8;
        let left = self.store.get_fuel().unwrap_or(0).checked_sub(cost).ok_or(Failure::Fuel)?;
        self.store.set_fuel(left).map_err(|error| failed(&error))?;
        let length = i32::try_from(bytes.len()).unwrap_or(i32::MAX);
        if length.cast_unsigned() <= asked.room {
            self.write("an answer", asked.out, &bytes)?;
        }
        Ok(length)
    }

    /// Puts the input where the module wants it.
    fn put(&mut self, input: &[u8]) -> Result<u32, Failure> {
        if input.len() > self.room.1 {
            let ask = |length: usize| i32::try_from(length).map_err(|_| Failure::NoRoom(input.len()));
            let mut length = input.len().max(BUFFER_MIN).next_power_of_two();
            let call = |store: &mut Store<Host>, length| {
                self.make_room.call(store, length).map_err(|error| failed(&error))
            };
            let mut pointer = call(&mut self.store, ask(length)?)?.cast_unsigned();
            if pointer == 0 {
                length = input.len();
                pointer = call(&mut self.store, ask(length)?)?.cast_unsigned();
            }
            if pointer == 0 {
                return Err(Failure::NoRoom(input.len()));
            }
            self.bytes("the buffer", pointer, u32::try_from(length).unwrap_or(u32::MAX))?;
            self.room = (pointer, length);
        }
        self.write("the buffer", self.room.0, input)?;
        Ok(self.room.0)
    }

    fn write(&mut self, what: &'static str, pointer: u32, bytes: &[u8]) -> Result<(), Failure> {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let offset = usize::try_from(pointer).unwrap_or(usize::MAX);
        let written = self.memory.write(&mut self.store, offset, bytes);
        written.map_err(|_| Failure::Pointer { what, pointer, length })
    }

    fn bytes(&self, what: &'static str, pointer: u32, length: u32) -> Result<&[u8], Failure> {
        let wide = |value: u32| usize::try_from(value).unwrap_or(usize::MAX);
        let end = wide(pointer).checked_add(wide(length));
        let bytes = end.and_then(|end| self.memory.data(&self.store).get(wide(pointer)..end));
        bytes.ok_or(Failure::Pointer { what, pointer, length })
    }
}

/// What an instance exports.
struct Parts {
    memory: Memory,
    make_room: TypedFunc<i32, i32>,
    interface: TypedFunc<(), i32>,
    manifest: TypedFunc<(), i64>,
    entries: Vec<TypedFunc<(i32, i32), i64>>,
}

impl Parts {
    fn new(module: &Module, store: &mut Store<Host>, exports: &[String]) -> Result<Self, Error> {
        let instance = module.linker.instantiate_and_start(&mut *store, &module.code)?;
        let memory = instance.get_memory(&*store, "memory").ok_or_else(|| Error::new("no memory"))?;
        Ok(Self {
            memory,
            make_room: instance.get_typed_func(&*store, "selfsame_buffer")?,
            interface: instance.get_typed_func(&*store, "selfsame_abi")?,
            manifest: instance.get_typed_func(&*store, "selfsame_manifest")?,
            entries: exports
                .iter()
                .map(|export| instance.get_typed_func(&*store, export))
                .collect::<Result<_, Error>>()?,
        })
    }
}

/// Pointer and length out of one number.
fn slice(place: i64) -> (u32, u32) {
    let place = place.cast_unsigned();
    let half = |bits: u64| u32::try_from(bits & u64::from(u32::MAX)).unwrap_or(u32::MAX);
    (half(place >> 32), half(place))
}

fn failed(error: &Error) -> Failure {
    if error.as_trap_code() == Some(wasmi::TrapCode::OutOfFuel) {
        return Failure::Fuel;
    }
    Failure::Trap(words(error))
}

fn started(error: &Error) -> Failure {
    match failed(error) {
        Failure::Trap(why) => Failure::Start(why),
        other => other,
    }
}

/// What the engine says, on one line and not long.
fn words(error: &Error) -> String {
    let text = match error.kind() {
        ErrorKind::Message(text) => text.to_string(),
        other => other.to_string(),
    };
    crate::plugin::answer::line(text.lines().next().unwrap_or_default().as_bytes(), 200)
}
