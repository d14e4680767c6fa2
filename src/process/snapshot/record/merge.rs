//! What a frame says, put over what was so before.

use crate::yaml::{Node, NodeKind, Scalar};

/// Tables of the host whose entries come and go one by one.
const TABLES: [&str; 3] = ["files", "users", "groups"];

/// A process after a frame: its keys stand in place of the old ones, and `~` ends one.
pub(super) fn process(before: &Node, now: &Node) -> Node {
    over(before, now, &|_, _, new| (new.kind != NodeKind::Null).then(|| new.clone()))
}

/// The host after a frame.
pub(super) fn host(before: &Node, now: &Node) -> Node {
    over(before, now, &|key, old, new| match (TABLES.contains(&key), old) {
        (true, Some(old)) => Some(over(old, new, &|_, _, entry| Some(entry.clone()))),
        (true, None) => Some(new.clone()),
        (false, _) => (new.kind != NodeKind::Null).then(|| new.clone()),
    })
}

/// The host without these files.
pub(super) fn without_files(host: &Node, paths: &[&str]) -> Node {
    let NodeKind::Mapping(entries) = &host.kind else { return host.clone() };
    let keep = |(key, value): &(Scalar, Node)| {
        let kind = match &value.kind {
            NodeKind::Mapping(files) if key.text == "files" => {
                let left = files.iter().filter(|(path, _)| !paths.contains(&path.text.as_str()));
                NodeKind::Mapping(left.cloned().collect())
            }
            other => other.clone(),
        };
        (key.clone(), Node { span: value.span, kind })
    };
    Node { span: host.span, kind: NodeKind::Mapping(entries.iter().map(keep).collect()) }
}

type Choose<'a> = &'a dyn Fn(&str, Option<&Node>, &Node) -> Option<Node>;

/// The keys of both, in the order in which they came; what stands in both is for `choose` to say.
fn over(before: &Node, now: &Node, choose: Choose<'_>) -> Node {
    let (NodeKind::Mapping(old), NodeKind::Mapping(new)) = (&before.kind, &now.kind) else {
        return now.clone();
    };
    let old_of = |key: &Scalar| old.iter().find(|(known, _)| known.text == key.text).map(|(_, node)| node);
    let mut entries: Vec<(Scalar, Node)> =
        old.iter().filter(|(key, _)| new.iter().all(|(other, _)| other.text != key.text)).cloned().collect();
    for (key, node) in new {
        entries.extend(choose(&key.text, old_of(key), node).map(|chosen| (key.clone(), chosen)));
    }
    Node { span: now.span, kind: NodeKind::Mapping(entries) }
}
