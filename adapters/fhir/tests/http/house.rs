//! A gateway without database or sockets: doubles of the ports, two tenants, and somebody at the door.

use domain::access::{Clinics, Context, Principal, PrincipalKind, Purpose, Role, Roles, Scopes, Subject};
use domain::administration::By;
use domain::double::Installation;
use domain::id::{CorrelationId, RecordId, TenantId};
use domain::index::Term;
use domain::intake::{Delivery, Incoming, IncomingMember, IncomingRecord};
use domain::journal::Actor;
use domain::kind::Kind;
use domain::ports::{BoxFuture, Clock, Unavailable};
use domain::time::Timestamp;
use fhir::{Admission, Admitted, Attempt, Limits, Service};
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

/// The address under which the tests reach the interface.
pub const BASE: &str = "https://here.example/fhir";
/// Where an application of the first tenant has its pages.
pub const PAGES: &str = "https://app.example";
/// Planted in every patient; it must never appear in a problem.
pub const SURNAME: &str = "Quillfeather";

pub struct House {
    pub doubles: Installation,
    pub door: Arc<Door>,
    pub tenant: TenantId,
    pub other: TenantId,
}

/// Admits `reader`, `stranger` (of the other tenant) and `admin` (who may see no patient data).
pub struct Door {
    tenant: TenantId,
    other: TenantId,
    pub turned_away: Mutex<Vec<Attempt>>,
}

impl Admission for Door {
    fn admit<'a>(&'a self, token: &'a str, _: IpAddr) -> BoxFuture<'a, Result<Option<Admitted>, Unavailable>> {
        let admitted = match token {
            "reader" => Ok(Some((self.tenant, Role::ReadOnly))),
            "second" => Ok(Some((self.tenant, Role::Provider))),
            "admin" => Ok(Some((self.tenant, Role::Admin))),
            "stranger" => Ok(Some((self.other, Role::ReadOnly))),
            "outage" => Err(Unavailable),
            _ => Ok(None),
        };
        let admitted = admitted.map(|found| {
            found.map(|(tenant, role)| Admitted {
                subject: system(token, tenant, role),
                workstation: token.to_owned(),
                circumstances: Context::at(Timestamp(0)),
                tells_person: false,
            })
        });
        Box::pin(std::future::ready(admitted))
    }

    fn may_read(&self, origin: &str, tenant: Option<TenantId>) -> bool {
        origin == PAGES && tenant.is_none_or(|tenant| tenant == self.tenant)
    }

    /// The hundredth is too many.
    fn refused(&self, attempt: Attempt) -> BoxFuture<'_, Option<u32>> {
        let mut turned_away = self.turned_away.lock().unwrap();
        turned_away.push(attempt);
        Box::pin(std::future::ready((turned_away.len() >= 100).then_some(7)))
    }
}

fn system(name: &str, tenant: TenantId, role: Role) -> Subject {
    Subject {
        principal: Principal { id: name.to_owned(), display: name.to_owned(), kind: PrincipalKind::System },
        tenant,
        roles: Roles::of(&[role]),
        clinics: Clinics::All,
        purpose: Purpose::Treatment,
        scopes: Scopes::Unrestricted,
        compartment: None,
    }
}

impl House {
    pub async fn new() -> Self {
        let doubles = Installation::new(7).unwrap();
        let administration = doubles.administration();
        administration.prepare_system().await.unwrap();
        let operator = Subject::console("root", TenantId::SYSTEM, Roles::of(&[Role::SystemOperator]));
        let mut tenants = Vec::new();
        for name in ["North", "South"] {
            let actor = Actor::new(&operator, "console", CorrelationId([9; 16]));
            let by = By { actor, context: Context::console(doubles.clock.now()) };
            tenants.push(administration.add_tenant(&by, name).await.unwrap().id);
        }
        let (tenant, other) = (tenants[0], tenants[1]);
        let door = Arc::new(Door { tenant, other, turned_away: Mutex::new(Vec::new()) });
        Self { doubles, door, tenant, other }
    }

    pub fn service(&self, limits: Limits) -> Arc<Service> {
        let retrieval = self.doubles.retrieval(Arc::new(r4::labels::SecurityLabels));
        Service::new(retrieval, self.door.clone(), BASE, "0.1.0", limits)
    }

    /// Stores one report of a patient with two observations, as a message of its own; again with the same number corrects it.
    pub async fn store_report(&self, patient: RecordId, number: u8, status: &str) -> RecordId {
        self.doubles.clock.advance(60);
        let report = report_id(number);
        let observations = [1, 2]
            .map(|n| RecordId::from_name([number, n, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, n]).in_family_of(&report));
        let results = observations.map(|id| format!(r#"{{"reference":"Observation/{id}"}}"#)).join(",");
        let mut members = vec![IncomingMember {
            kind: Kind::DiagnosticReport,
            id: report,
            content: format!(
                r#"{{"resourceType":"DiagnosticReport","id":"{report}","meta":{{"profile":["p"]}},"status":"{status}","category":[{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/v2-0074","code":"{}"}}]}}],"code":{{"coding":[{{"system":"http://loinc.org","code":"58410-2"}}]}},"subject":{{"reference":"Patient/{patient}"}},"effectiveDateTime":"2025-12-{:02}T08:00:00+01:00","result":[{results}]}}"#,
                if number.is_multiple_of(2) { "RAD" } else { "LAB" },
                number.clamp(1, 31),
            ),
        }];
        members.extend(observations.map(|id| IncomingMember {
            kind: Kind::Observation,
            id,
            content: format!(
                r#"{{"resourceType":"Observation","id":"{id}","status":"{status}","code":{{"coding":[{{"code":"2345-7"}}]}},"subject":{{"reference":"Patient/{patient}"}},"valueQuantity":{{"value":7.250,"unit":"mmol/L"}}}}"#
            ),
        }));
        let terms = members.iter().flat_map(|member| r4::search::terms(member.kind, &member.content)).collect();
        let record = IncomingRecord {
            kind: Kind::DiagnosticReport,
            id: report,
            patient: Some(patient),
            as_of: self.doubles.clock.now(),
            members,
            terms,
        };
        self.deliver(record).await;
        report
    }

    pub async fn store_patient(&self, number: u8) -> RecordId {
        let id = RecordId::from_name([number; 16]);
        let content = format!(
            r#"{{"resourceType":"Patient","id":"{id}","identifier":[{{"system":"urn:mrn","value":"M{number}"}}],"name":[{{"family":"{SURNAME}"}}],"birthDate":"1970-01-31"}}"#
        );
        let terms: Vec<Term> = r4::search::terms(Kind::Patient, &content);
        let members = vec![IncomingMember { kind: Kind::Patient, id, content }];
        let as_of = self.doubles.clock.now();
        self.deliver(IncomingRecord { kind: Kind::Patient, id, patient: Some(id), as_of, members, terms }).await;
        id
    }

    async fn deliver(&self, record: IncomingRecord) {
        let engine = system("lab", self.tenant, Role::IntegrationEngine);
        let now: Timestamp = self.doubles.clock.now();
        let bytes = format!("{} {}", record.id, now.0);
        let delivery = Delivery {
            subject: &engine,
            clinic: None,
            workstation: "lab",
            address: "192.0.2.1".to_owned(),
            correlation: CorrelationId([1; 16]),
            received: now,
            bytes: bytes.as_bytes(),
            identity: &[b"lab"],
        };
        let intake = self.doubles.intake(Arc::new(r4::merge::ResourceMerge));
        let incoming = Incoming { records: vec![record], trace: "{}".to_owned(), held: None };
        intake.receive(&delivery, &incoming).await.unwrap();
    }
}

pub fn report_id(number: u8) -> RecordId {
    RecordId::from_name([number.wrapping_add(100); 16])
}
