//! The policy decision point: who may do what to which record, decided by one pure function.
//!
//! ```text
//!   Subject ─┐
//!   Action  ─┤  decide   1 tenant   2 address, session, second factor   3 compartment and scopes
//!   Resource ┤ ────────► 4 labels and consent   5 forbids   6 permits of the roles   7 otherwise: deny
//!   Context ─┘
//! ```
//!
//! The first stage that refuses ends it; nothing later can give back what an earlier stage refused. The rules themselves
//! stand in `table.rs`, to be read as policy; every decision they lead to stands in `domain/tests/policy/grid.txt`.
//!
//! [`authorise`] turns a permit into a value, [`Permit`], that only it can make and that opening a record consumes.
//! Opening without a decision does not compile:
//!
//! ```compile_fail,E0451
//! use domain::access::{Permit, Read};
//! let forged: Permit<Read> = Permit { tenant: domain::id::TenantId::SYSTEM, ..todo!() };
//! ```
//!
//! and a permit opens one record, not two:
//!
//! ```compile_fail,E0382
//! use domain::access::{Permit, Read};
//! fn spend(_: Permit<Read>) {}
//! fn twice(permit: Permit<Read>) {
//!     spend(permit);
//!     spend(permit);
//! }
//! ```
//!
//! nor does a permit to do one thing open what another is needed for:
//!
//! ```compile_fail,E0277
//! use domain::access::{Opens, Search};
//! fn open<A: Opens>() {}
//! open::<Search>();
//! ```
//!
//! Deliberately absent: sign-in, sessions, tokens. Whoever admits a principal builds the [`Subject`] and the [`Context`].

mod action;
mod context;
mod decision;
mod permit;
mod resource;
mod scope;
mod subject;
mod table;

pub use action::Action;
pub use context::{Address, BreakGlass, Context, Factor, Session};
pub use decision::{Decision, Obligation, Obligations, Reason, decide, decide_opened, decide_self};
pub use permit::{
    Act, Administer, Denial, ExportAudit, History, Hit, ManageKeys, Opens, OpensContexts, Permit, Read, ReadAudit,
    Receive, ReplayMessage, ReviewGlass, Search, TakeOut, VerifyAudit, ViewDirectory, ViewMessage, authorise,
};
pub use resource::{Label, Labels, Resource};
pub use scope::{
    Letter, Level, MAX_SCOPE_BYTES, MAX_SCOPE_PARTS, MAX_SCOPES, NotAScope, NotGranted, Parameter, Part, Scope, Scopes,
    Types, grant, narrow,
};
pub use subject::{Clinics, Principal, PrincipalKind, Purpose, Role, Roles, Subject};
