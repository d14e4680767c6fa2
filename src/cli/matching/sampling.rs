//! Two looks at this host, where one doesn't tell: `cpu`, `rate(...)`, `changed(...)`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use super::{Asked, Extra, pids_of};
use crate::facts::{Counter, Trait};
use crate::host::clock::pause;
use crate::host::proc::LiveWorld;
use crate::lang::ir::{Kind, Node};
use crate::lang::value::Value;
use crate::lang::{Predicate, Verdict};
use crate::plugin::{Look, in_order};
use crate::process::declare::is_sampled;
use crate::process::samples::Samples;
use crate::process::world::World as _;
use crate::process::{ProcessVocabulary, candidate};
use crate::spec::Names;
use crate::units::Pid;

/// Something in it needs an earlier look.
fn needs_two(root: &Node) -> bool {
    let mut found = false;
    root.walk(&mut |node| {
        found |= matches!(&node.kind, Kind::Field { field, .. } if is_sampled(&field.name));
    });
    found
}

/// The world to answer from: the second of two looks where that is needed, else the one that is given. The first look asks
/// just what the answer will ask, so that samples are kept of the processes that the rest of the expression selects.
pub(super) fn twice(
    first: LiveWorld,
    asked: &Asked<'_>,
    predicate: &Predicate,
    bindings: &BTreeMap<String, Value>,
    names: &Names,
    samples: &Rc<RefCell<Samples>>,
) -> LiveWorld {
    let in_columns = asked.columns.iter().any(|column| needs_two(column.root()));
    let Some(time) = asked.sample.filter(|_| in_columns || needs_two(predicate.root())) else {
        return first;
    };
    samples.replace(Samples::over(time));
    let first = first.with_samples(Rc::clone(samples));
    let vocabulary = ProcessVocabulary::new(&first);
    let plugins = names.plugins();
    let look = Look::default();
    let answers = plugins.vocabularies(&vocabulary, &first, &look);
    let facts = in_order(&vocabulary, &answers);
    let matcher = predicate.bind(bindings, &facts).matcher;
    let (pids, _) = pids_of(&first, asked.pids).unwrap_or_default();
    for pid in pids.into_iter().map(candidate) {
        let verdict =
            if asked.explains { matcher.explain(&pid, &facts).verdict() } else { matcher.eval(&pid, &facts) };
        if verdict != Verdict::NoMatch || asked.inverse || asked.extra == Extra::NearMisses {
            for column in asked.columns {
                let _known_later = column.of(&pid, &facts);
            }
        }
    }
    pause(time);
    first.again()
}

/// The second of two looks that asked for every rate of these processes, or of all.
pub(in crate::cli) fn all_of(first: LiveWorld, pids: &[i32], time: Duration) -> LiveWorld {
    let first = first.with_samples(Rc::new(RefCell::new(Samples::over(time))));
    let all =
        if pids.is_empty() { first.visible_pids().to_vec() } else { pids.iter().copied().map(Pid).collect() };
    for pid in all {
        for counter in Counter::ALL {
            let _known_later = first.pace(pid, counter);
        }
        for of in Trait::ALL {
            let _known_later = first.changed(pid, of);
        }
    }
    pause(time);
    first.again()
}
