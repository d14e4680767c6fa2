//! Fields of files (`exe.path`, `file("/x").owner`) and of limits (`limits["nofile"].soft`).

use super::{Field, Reader, class, row};
use crate::facts::{Fact, FileFacts};
use crate::lang::schema::Privilege::{Read, World};
use crate::lang::schema::Trust::Kernel;
use crate::lang::value::{Type, Value};
use crate::process::exe;
use crate::process::objects::{FILE, File, GROUP, LIMIT, USER};
use crate::process::read::{group, int, path, size, time, user};
use crate::process::vocabulary::ProcessVocabulary;

pub(super) static TABLE: &[Field] = {
    use Reader::{File as OfFile, Limit};
    let link = class(2, Read, Kernel);
    let source = "stat(2)";
    &[
        row(
            FILE,
            "path",
            Type::Path,
            link,
            [
                "its path as text; of a deleted file the last one",
                "readlink(2)",
                "exe.path like \"/opt/*/bin/**\"",
            ],
            OfFile(|v, f| v.path_of(f).map(path)),
        ),
        row(
            FILE,
            "deleted",
            Type::Bool,
            link,
            ["no name leads to it any more", source, "exe.deleted"],
            OfFile(|v, f| stat(v, f, |s| Value::Bool(s.nlink == 0))),
        ),
        row(
            FILE,
            "memfd",
            Type::Bool,
            link,
            ["it lives in memory and never had a name", "memfd_create(2)", "!exe.memfd"],
            OfFile(memfd),
        ),
        row(
            FILE,
            "dev",
            Type::Int,
            link,
            ["device number", source, "exe.dev > 0"],
            OfFile(|v, f| stat(v, f, |s| int(s.dev))),
        ),
        row(
            FILE,
            "ino",
            Type::Int,
            link,
            ["inode number", source, "exe.ino > 0"],
            OfFile(|v, f| stat(v, f, |s| int(s.ino))),
        ),
        row(
            FILE,
            "nlink",
            Type::Int,
            link,
            ["number of names", source, "exe.nlink == 1"],
            OfFile(|v, f| stat(v, f, |s| int(s.nlink))),
        ),
        row(
            FILE,
            "mode",
            Type::Int,
            link,
            ["permission bits", source, "exe.mode == 0o755"],
            OfFile(|v, f| stat(v, f, |s| int(s.mode))),
        ),
        row(
            FILE,
            "owner",
            Type::Named(USER),
            link,
            ["owner", source, "exe.owner == \"root\""],
            OfFile(|v, f| stat(v, f, |s| user(s.uid.0))),
        ),
        row(
            FILE,
            "group",
            Type::Named(GROUP),
            link,
            ["group", source, "exe.group == \"root\""],
            OfFile(|v, f| stat(v, f, |s| group(s.gid.0))),
        ),
        row(
            FILE,
            "size",
            Type::Size,
            link,
            ["bytes", source, "file(\"/etc/hosts\").size > 0B"],
            OfFile(|v, f| stat(v, f, |s| size(s.size))),
        ),
        row(
            FILE,
            "mtime",
            Type::Time,
            link,
            ["when its content was last changed", source, "file(\"/etc/hosts\").mtime < now()"],
            OfFile(|v, f| stat(v, f, |s| time(s.mtime))),
        ),
        row(
            LIMIT,
            "soft",
            Type::Int,
            class(4, World, Kernel),
            [
                "what applies; the greatest number where there is no limit",
                "getrlimit(2)",
                "limits[\"nofile\"].soft >= 1024",
            ],
            Limit(|l| Fact::Known(unlimited(l.0.soft))),
        ),
        row(
            LIMIT,
            "hard",
            Type::Int,
            class(4, World, Kernel),
            [
                "how far it may be raised; the greatest number where there is no limit",
                "getrlimit(2)",
                "limits[\"core\"].hard == 0",
            ],
            Limit(|l| Fact::Known(unlimited(l.0.hard))),
        ),
    ]
};

fn stat(v: &ProcessVocabulary<'_>, file: &File, value: impl FnOnce(&FileFacts) -> Value) -> Fact<Value> {
    v.facts_of(file).map(|facts| value(&facts))
}

fn memfd(v: &ProcessVocabulary<'_>, file: &File) -> Fact<Value> {
    match file {
        File::Exe(pid) => exe::is_memfd(v.world, *pid).map(Value::Bool),
        File::Open(open) => Fact::Known(Value::Bool(open.facts.nlink == 0 && exe::is_label(&open.text))),
        File::Found(_) | File::Link { .. } => Fact::Known(Value::Bool(false)),
    }
}

fn unlimited(value: Option<u64>) -> Value {
    value.map_or(Value::Int(i64::MAX), int)
}
