//! Documents: from positioned YAML to a validated model.
//!
//! Floor 4. Never touches the file system: it is given bytes.

mod model;

pub use model::{
    Account, AdoptPolicy, CpuPolicy, DesiredState, DuplicatePolicy, EnvFrom, Expression, IoClass, Limit,
    Origin, Output, Readiness, ReadinessCheck, RemovePolicy, Restart, RestartPolicy, Scheduling, Service,
    ServiceName, ServiceType, SpecSet, Stop, StopScope, StopStep,
};
