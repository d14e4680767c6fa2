//! In place of the interpreter, in a build without plugins: there is no module, so that there is nothing to run.

use std::convert::Infallible;

use super::ask::{Log, Reply, Request, Task};
use super::codes;
use super::failure::Failure;
use crate::diagnostic::Diagnostic;

/// There is none.
#[derive(Debug)]
pub(super) struct Module(Infallible);

/// There is none.
#[derive(Debug)]
pub(super) struct Guest(Infallible);

/// Nothing outlives what there isn't.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) log: Log,
}

impl Module {
    pub(super) fn new(_: &[u8]) -> Result<Self, Vec<Diagnostic>> {
        Err(vec![
            Diagnostic::error(codes::NO_PLUGINS, "this build has no plugins")
                .help("build it with the cargo feature `plugins`, which is on by default"),
        ])
    }

    pub(super) fn weight(&self) -> u64 {
        match self.0 {}
    }

    pub(super) fn answers(&self, _: &str) -> Result<(), String> {
        match self.0 {}
    }

    pub(super) fn imported(&self) -> Vec<String> {
        match self.0 {}
    }

    pub(super) fn exported(&self) -> Vec<String> {
        match self.0 {}
    }
}

impl Guest {
    pub(super) fn start(
        module: &Module,
        _: &[String],
        _: Kept,
        _: u64,
    ) -> Result<(Self, u64), (Failure, Kept, u64)> {
        match module.0 {}
    }

    pub(super) fn end(self) -> Kept {
        match self.0 {}
    }

    pub(super) fn interface(&mut self, _: u64) -> Result<i32, Failure> {
        match self.0 {}
    }

    pub(super) fn manifest(&mut self, _: u64) -> Result<Vec<u8>, Failure> {
        match self.0 {}
    }

    pub(super) fn call(
        &mut self,
        _: usize,
        _: &[u8],
        _: Task,
        _: &mut dyn FnMut(Request) -> Reply,
    ) -> Result<&[u8], Failure> {
        match self.0 {}
    }

    pub(super) fn used(&self) -> u64 {
        match self.0 {}
    }

    pub(super) fn missed_now(&self) -> bool {
        match self.0 {}
    }

    pub(super) fn log(&mut self) -> &mut Log {
        match self.0 {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use crate::plugin::{Grants, Plugin, Plugins, codes};
    use crate::process::expression::schema;

    #[test]
    fn a_build_without_plugins_says_so_and_has_the_built_in_names() {
        let said = Plugin::load("t", b"\0asm\x01\0\0\0", &Grants::default(), schema()).unwrap_err();
        let [said] = said.as_slice() else { unreachable!("one diagnostic: {said:?}") };
        assert_eq!((said.code, said.message.as_str()), (codes::NO_PLUGINS, "this build has no plugins"));
        assert!(Plugins::none().schema().field("process", "exe").is_some());
    }
}
