//! What the targets and their seeds have in common: a small installation, and a chain.

pub mod saml;
/// The steps of a sign-in, which refusals name.
#[path = "../../../adapters/sso/src/stage.rs"]
pub mod stage;

use domain::access::{
    self, Clinics, Context, Permit, Principal, PrincipalKind, Purpose, Read, Resource, Role, Roles, Subject,
};
use domain::administration::By;
use domain::audit::{ChainHead, ChainId, ChainKeys, Draft, Outcome, UserId, link};
use domain::double::{Installation, run};
use domain::id::{CorrelationId, RecordId, TenantId};
use domain::journal::Actor;
use domain::keys::{Compartment, DataKey};
use domain::kind::Kind;
use domain::ports::{Clock, KeyVault, Ledger};
use domain::record::Binding;
use domain::record::content::{Content, Member};
use domain::retrieval::{Caller, Retrieval};
use domain::secret::Secret;
use domain::time::Timestamp;
use domain::write::WriteSet;

/// Writes what no file of the project holds to begin with, where `FUZZ_SEEDS` names a folder for it.
pub fn seed(seeds: impl IntoIterator<Item = Vec<u8>>) {
    let Some(folder) = std::env::var_os("FUZZ_SEEDS").map(std::path::PathBuf::from) else { return };
    for (number, bytes) in seeds.into_iter().enumerate() {
        std::fs::write(folder.join(format!("made-{number}")), bytes).expect("a seed");
    }
}

/// A tenant on the doubles of the ports; the same each time.
pub struct House {
    /// The doubles.
    pub doubles: Installation,
    /// The tenant.
    pub tenant: TenantId,
}

impl House {
    /// Makes it.
    pub fn new() -> Self {
        let doubles = Installation::new(11).expect("doubles");
        let administration = doubles.administration();
        let tenant = run(async {
            administration.prepare_system().await.expect("a system");
            let operator = Subject::console("root", TenantId::SYSTEM, Roles::of(&[Role::SystemOperator]));
            let actor = Actor::new(&operator, "console", CorrelationId([9; 16]));
            let by = By { actor, context: Context::console(doubles.clock.now()) };
            administration.add_tenant(&by, "North").await.expect("a tenant").id
        });
        let house = Self { doubles, tenant };
        // Keys are found again once they are stored, as they are with the first thing that they seal.
        for compartment in [Compartment::Context, Compartment::Patient(PATIENT)] {
            let held = run(house.doubles.vault.current(tenant, compartment)).unwrap_or_else(|why| panic!("{why:?}"));
            let write = WriteSet { keys: held.unstored.into_iter().collect(), ..WriteSet::default() };
            run(house.doubles.ledger.record(write)).unwrap_or_else(|why| panic!("{why:?}"));
        }
        house
    }

    /// Who reads there.
    pub fn caller(&self) -> Caller {
        Caller {
            subject: Subject::console("reader", self.tenant, Roles::of(&[Role::Auditor])),
            circumstances: access::Context::console(self.doubles.clock.now()),
            workstation: "ward".to_owned(),
            address: "127.0.0.1".to_owned(),
            correlation: CorrelationId([3; 16]),
            request: String::new(),
        }
    }

    /// The key of [`PATIENT`]'s records.
    pub fn key(&self) -> std::sync::Arc<DataKey> {
        let held = run(self.doubles.vault.current(self.tenant, Compartment::Patient(PATIENT)));
        held.unwrap_or_else(|why| panic!("{why:?}")).key
    }

    /// What a report of [`PATIENT`] is bound to.
    pub fn binding(&self) -> Binding {
        let compartment = Compartment::Patient(PATIENT);
        Binding { tenant: self.tenant, clinic: None, compartment, kind: Kind::DiagnosticReport, id: REPORT, version: 1 }
    }

    /// A permit to read it.
    pub fn permit(&self) -> Permit<Read> {
        let roles = Roles::of(&[Role::Provider]);
        let subject = Subject::console("reader", self.tenant, roles);
        let principal = Principal { kind: PrincipalKind::System, ..subject.principal.clone() };
        let subject = Subject { principal, clinics: Clinics::All, purpose: Purpose::Treatment, ..subject };
        let resource = Resource::record(self.tenant, Kind::DiagnosticReport).with_patient(Some(PATIENT));
        let permit = access::authorise::<Read>(&subject, &resource, &access::Context::at(self.doubles.clock.now()));
        permit.unwrap_or_else(|denial| panic!("{}", denial.reason()))
    }

    /// The use case that reads.
    pub fn retrieval(&self) -> Retrieval {
        self.doubles.retrieval(std::sync::Arc::new(r4::labels::SecurityLabels))
    }
}

/// The patient of the records.
pub const PATIENT: RecordId = RecordId([0x55; 16]);
/// The report.
pub const REPORT: RecordId = RecordId([0x66; 16]);

/// The content of a report with one result, packed.
pub fn content() -> Vec<u8> {
    let member = |kind, id, text: &str| Member {
        kind,
        id,
        version: 1,
        last_updated: Timestamp(7),
        bytes: text.as_bytes().to_vec().into(),
    };
    let result = "{\"valueQuantity\":{\"value\":1.50,\"unit\":\"µg\"}}".repeat(3);
    let members = vec![
        member(Kind::DiagnosticReport, REPORT, "{\"resourceType\":\"DiagnosticReport\"}"),
        member(Kind::Observation, RecordId([0x67; 16]), &result),
    ];
    Content { as_of: Timestamp(5), members }.encode().unwrap_or_else(|why| panic!("{why:?}"))
}

/// The chain that [`entries`] are of.
pub const CHAIN: ChainId = ChainId([0xc1; 16]);

/// The keys of that chain.
pub fn chain_keys() -> ChainKeys {
    ChainKeys::derive(&Secret::new([7; 32]))
}

/// Sixteen genuine entries as the store returns them, no two alike.
pub fn entries() -> (Vec<u8>, ChainHead) {
    let drafts: Vec<Draft> = (0..16u8).map(draft).collect();
    let (entries, head) = link(&mut chain_keys(), CHAIN, ChainHead::EMPTY, &drafts);
    let lines =
        entries.iter().flat_map(|entry| [format!("{} ", entry.sequence).as_bytes(), &entry.bytes, b"\n"].concat());
    (lines.collect(), head)
}

fn draft(number: u8) -> Draft {
    Draft {
        chain: CHAIN,
        time: Timestamp(1_795_253_400_000_000 + i64::from(number) * 1_250_000),
        user: UserId { id: format!("client-{number}"), display: "Ward \"Nörd\"\u{1}\u{1F9EA}".to_owned() },
        workstation: "fhir.clinic-1.example".to_owned(),
        action: if number % 2 == 0 { "fhir.read" } else { "update" }.to_owned(),
        resource_type: "DiagnosticReport".to_owned(),
        resource_id: RecordId::from_random([number; 16]).to_string(),
        outcome: if number % 5 == 0 { Outcome::Denied } else { Outcome::Success },
        before: None,
        after: (number % 3 == 0).then_some(domain::keys::ContentMac([number; 32])),
        correlation: CorrelationId([number; 16]),
        context: None,
    }
}
