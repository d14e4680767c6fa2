//! The verbs below `plugin`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Output;
use crate::workshop::Language;

const AFTER_HELP: &str = "\
From an empty folder to a new field (docs/plugins.md has the whole of it):
  selfsame plugin new shop --lang c && cd shop
  ./build                          # clang and lld; `--lang wat` needs neither
  selfsame plugin test .           # the examples in the plugin and tests/*.cases.yaml
  selfsame plugin inspect .        # what it declares, what it asks for, what it costs

A PATH is a folder with a plugin.yaml, a document of kind Plugin, or a module (.wasm) by itself.
Exit codes: 0 good, 1 something is wrong with the plugin or not as expected, 64 wrong usage";

// Arguments of `plugin`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP, arg_required_else_help = true)]
pub(in crate::cli) struct PluginArgs {
    #[command(subcommand)]
    pub verb: PluginVerb,
}

// What to do with a plugin.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum PluginVerb {
    /// Write a folder with a plugin that builds with one command
    #[command(
        after_help = "Example:  selfsame plugin new shop --lang c && shop/build && selfsame plugin test shop"
    )]
    New(NewArgs),
    /// Make a module of WebAssembly as text, and write the module's digest into plugin.yaml
    #[command(
        after_help = "Examples:  selfsame plugin build shop.wat      # shop.wasm, and plugin.yaml beside it\n           selfsame plugin build plugin.yaml   # the digest alone, after another compiler"
    )]
    Build(BuildArgs),
    /// What a plugin declares, asks for and costs
    #[command(
        after_help = "Examples:  selfsame plugin inspect shop\n           selfsame plugin inspect shop.wasm --output json\n           selfsame plugin inspect shop.wasm --sha256"
    )]
    Inspect(InspectArgs),
    /// Run the examples of plugins and their case files; show what isn't as expected
    #[command(
        after_help = "Examples:  selfsame plugin test examples/plugins/*/\n           selfsame plugin test new.wasm --cases shop/tests\n\nA case states a process as a snapshot does, and what expressions have to be of it:\n  cases:\n    - name: in docker\n      process: {cgroup: /docker/3726184226f5...}\n      expect: {container.runtime: docker, container.pod: absent, 'container.is(\"3726\")': true}"
    )]
    Test(TryArgs),
    /// Time and fuel of each field and function; says where one costs more than it claims
    #[command(
        after_help = "Examples:  selfsame plugin bench shop              # the examples\n           selfsame plugin bench shop --live       # each field for every process of this host"
    )]
    Bench(BenchArgs),
}

// Arguments of `plugin new`.
#[derive(Debug, Args)]
pub(in crate::cli) struct NewArgs {
    /// First word of its fields and functions, and name of the folder: lower-case letters, digits and `_`
    #[arg(value_name = "NAME")]
    pub name: String,
    /// What it is written in
    #[arg(long, value_name = "LANGUAGE")]
    pub lang: Language,
}

// Arguments of `plugin build`.
#[derive(Debug, Args)]
pub(in crate::cli) struct BuildArgs {
    /// A text of WebAssembly (.wat), or a document of kind Plugin
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

// Arguments of `plugin inspect`.
#[derive(Debug, Args)]
pub(in crate::cli) struct InspectArgs {
    /// A folder, a document or a module
    #[arg(value_name = "PATH")]
    pub path: PathBuf,
    /// Print the digest of the module and nothing else
    #[arg(long)]
    pub sha256: bool,
    /// Form of the output
    #[arg(short, long, default_value = "text", value_name = "FORM")]
    pub output: Output,
}

// Arguments of `plugin test`.
#[derive(Debug, Args)]
pub(in crate::cli) struct TryArgs {
    /// Folders, documents and modules
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Case files, or folders with files *.cases.yaml [default: of a folder those in it and in its folder `tests`]
    #[arg(long, value_name = "PATH")]
    pub cases: Vec<PathBuf>,
    /// Form of the output
    #[arg(short, long, default_value = "text", value_name = "FORM")]
    pub output: Output,
}

// Arguments of `plugin bench`.
#[derive(Debug, Args)]
pub(in crate::cli) struct BenchArgs {
    /// A folder, a document or a module
    #[arg(value_name = "PATH")]
    pub path: PathBuf,
    /// Also each field for every process of this snapshot
    #[arg(long, value_name = "FILE", conflicts_with = "live")]
    pub snapshot: Option<PathBuf>,
    /// Also each field for every process of this host
    #[arg(long)]
    pub live: bool,
    /// How often each example is run
    #[arg(long, default_value_t = 200, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub rounds: u32,
    /// Form of the output
    #[arg(short, long, default_value = "text", value_name = "FORM")]
    pub output: Output,
}
