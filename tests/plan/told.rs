//! What a tick tells of itself.

use selfsame::plan::event::{Event, EventKind, events};
use selfsame::plan::memory::{Instance, Phase};
use selfsame::plan::observation::Seen;
use selfsame::spec::{OnUpdateFailure, Service, Update};

use crate::bench::*;

/// Its condition may have been false before, for another reason, and the generation stays: then nothing was told of it.
#[test]
fn a_document_that_is_rolled_back_is_told_once() {
    let document = |word: &str| Service {
        args: vec![word.into()],
        update: Update { on_failure: OnUpdateFailure::Rollback, ..Update::default() }.into(),
        ..service("web")
    };
    let failed = Instance {
        failures: 1,
        last_error: Some("it can't be executed".into()),
        ..instance(Phase::BackOff { until: at(NOW + 60) })
    };
    let mut case = Case::new().with(document("bad"), vec![failed], Seen::default());
    let record = case.memory.record_mut(&name("web")).unwrap();
    record.good = Some(document("good").into());
    record.generation = 2;
    let told = |case: &Case| {
        let plan = case.plan();
        let all = events(&case.memory, &plan, &[], &|_| true);
        let back: Vec<Event> = all.into_iter().filter(|event| event.kind == EventKind::RolledBack).collect();
        (back, plan)
    };
    let (back, plan) = told(&case);
    let [event] = back.as_slice() else { panic!("{back:?}") };
    assert_eq!(
        event.message,
        "generation 2 of its document is rolled back, since it didn't become Ready: it can't be executed"
    );
    assert_eq!(
        (event.rule.as_deref(), &event.fields),
        (Some("update.onFailure: rollback"), &vec!["args".into()])
    );
    assert_eq!((event.object.as_ref(), event.generation), (Some(&name("web")), Some(2)));
    case.memory = plan.memory;
    assert_eq!(told(&case).0, [], "it stays so");
}
