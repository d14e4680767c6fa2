//! Templates: a plugin that builds with one command, for the author to change.

use clap::ValueEnum;

/// What a plugin is written in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
#[expect(clippy::doc_markdown, reason = "the help of the command line")]
pub enum Language {
    /// C for clang, freestanding, with selfsame.h
    C,
    /// AssemblyScript from npm, with selfsame.ts
    #[value(name = "assemblyscript", alias = "as")]
    AssemblyScript,
    /// WebAssembly as text; needs no compiler
    Wat,
}

/// One file of a template.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TemplateFile {
    /// Below the folder of the plugin.
    pub path: String,
    /// Its content.
    pub text: String,
    /// Whether it is a program.
    pub executable: bool,
}

macro_rules! template {
    ($($path:literal)*) => { &[$(($path, include_str!(concat!("../../docs/plugins/", $path)))),*] };
}

/// Every file that templates are made of, below `docs/plugins`.
const TEXTS: &[(&str, &str)] = template! {
    "selfsame.h" "selfsame.ts" "templates/plugin.yaml" "templates/release.cases.yaml" "templates/README.md" "templates/gitignore"
    "templates/c/plugin.c" "templates/c/build"
    "templates/assemblyscript/plugin.ts" "templates/assemblyscript/build"
    "templates/assemblyscript/package.json" "templates/assemblyscript/asconfig.json"
    "templates/wat/plugin.wat" "templates/wat/build"
};

/// What stands in the folder of a plugin, and the template that it comes from.
fn parts(language: Language) -> (&'static str, &'static str, &'static [(&'static str, &'static str)]) {
    match language {
        Language::C => (
            "@NAME@.c",
            "; needs clang and lld",
            &[
                ("@NAME@.c", "templates/c/plugin.c"),
                ("selfsame.h", "selfsame.h"),
                ("build", "templates/c/build"),
            ],
        ),
        Language::AssemblyScript => (
            "@NAME@.ts",
            "; needs npm",
            &[
                ("@NAME@.ts", "templates/assemblyscript/plugin.ts"),
                ("selfsame.ts", "selfsame.ts"),
                ("package.json", "templates/assemblyscript/package.json"),
                ("asconfig.json", "templates/assemblyscript/asconfig.json"),
                (".gitignore", "templates/gitignore"),
                ("build", "templates/assemblyscript/build"),
            ],
        ),
        Language::Wat => (
            "@NAME@.wat",
            "",
            &[("@NAME@.wat", "templates/wat/plugin.wat"), ("build", "templates/wat/build")],
        ),
    }
}

const COMMON: &[(&str, &str)] = &[
    ("plugin.yaml", "templates/plugin.yaml"),
    ("tests/release.cases.yaml", "templates/release.cases.yaml"),
    ("README.md", "templates/README.md"),
];

/// The files of a new plugin of this name.
pub fn files(name: &str, language: Language) -> Vec<TemplateFile> {
    let (source, needs, own) = parts(language);
    let fill =
        |text: &str| text.replace("@SOURCE@", source).replace("@NEEDS@", needs).replace("@NAME@", name);
    let text = |wanted: &str| TEXTS.iter().find(|(path, _)| *path == wanted).map_or("", |(_, text)| *text);
    own.iter()
        .chain(COMMON)
        .map(|(path, from)| TemplateFile {
            path: fill(path),
            text: fill(text(from)),
            executable: *path == "build",
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_template_is_there_and_filled_in() {
        for language in [Language::C, Language::AssemblyScript, Language::Wat] {
            let files = files("shop", language);
            for file in &files {
                assert!(!file.text.is_empty(), "{}", file.path);
                assert!(!file.text.contains("@NAME@") && !file.text.contains("@SOURCE@"), "{}", file.path);
                assert_eq!(file.executable, file.text.starts_with("#!"), "{}", file.path);
            }
            assert!(files.iter().any(|file| file.path.starts_with("shop.")), "{files:?}");
        }
    }
}
