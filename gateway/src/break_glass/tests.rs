use super::*;
use domain::access::{Clinics, Context, Principal, PrincipalKind, Purpose, Role, Roles, Scopes, Subject};
use domain::audit::ChainId;
use domain::directory::Tenant;
use domain::double::{Installation as Doubles, MemoryTickets};
use domain::emergency::Smashing;
use domain::id::{CorrelationId, RecordId, TenantId};
use domain::ports::{BoxFuture, Ledger, NotRecorded, Receipt, Store, TenantKeyMaker};
use domain::retrieval::Caller;
use domain::time::Timestamp;
use domain::write::WriteSet;
use std::sync::atomic::AtomicBool;

const TENANT: TenantId = TenantId([1; 16]);

const OTHER: TenantId = TenantId([2; 16]);

/// A ledger that may write nothing into one tenant's chain.
struct Silent {
    ledger: Arc<dyn Ledger>,
    to_other: AtomicBool,
}

impl Ledger for Silent {
    fn record(&self, write: WriteSet) -> BoxFuture<'_, Result<Receipt, NotRecorded>> {
        let other = write.drafts.iter().any(|draft| draft.chain == ChainId::from(OTHER));
        if other && self.to_other.load(Ordering::Relaxed) {
            return Box::pin(async { Err(NotRecorded::Unavailable) });
        }
        self.ledger.record(write)
    }
}

struct House {
    doubles: Doubles,
    keeper: Keeper,
    silent: Arc<Silent>,
    _directory: watch::Sender<Arc<Directory>>,
}

async fn house() -> House {
    let doubles = Doubles::new(5).unwrap();
    for tenant in [TENANT, OTHER] {
        doubles.store.add_tenant_key(doubles.vault.make_tenant_key(tenant, 1).unwrap()).await.unwrap();
    }
    let book = doubles.book(Arc::new(MemoryTickets::default()));
    let tenant = Tenant { id: TENANT, name: "North".to_owned(), settings: Default::default(), created: Timestamp(0) };
    let silent = Arc::new(Silent { ledger: doubles.ledger.clone(), to_other: AtomicBool::new(false) });
    let (sender, directory) = watch::channel(Arc::new(Directory::new([tenant], [], [], [])));
    let keeper = Keeper {
        emergency: Emergency { ledger: silent.clone(), ..doubles.emergency(&book) },
        directory,
        tells: false,
        clock: doubles.clock.clone(),
        gauges: Arc::default(),
        troubled: Mutex::default(),
    };
    House { doubles, keeper, silent, _directory: sender }
}

impl House {
    async fn smash(&self, alarm: bool) {
        self.smash_in(TENANT, alarm).await;
    }

    async fn smash_in(&self, tenant: TenantId, alarm: bool) {
        let caller = Caller {
            subject: Subject {
                principal: Principal {
                    id: RecordId([4; 16]).to_string(),
                    display: "Ada".to_owned(),
                    kind: PrincipalKind::Person,
                },
                tenant,
                roles: Roles::of(&[Role::Provider]),
                clinics: Clinics::All,
                purpose: Purpose::Treatment,
                scopes: Scopes::Unrestricted,
                compartment: None,
            },
            circumstances: Context::console(self.doubles.clock.now()),
            workstation: "portal".to_owned(),
            address: "192.0.2.7".to_owned(),
            correlation: CorrelationId([9; 16]),
            request: "POST /break-glass".to_owned(),
        };
        let smashing = Smashing {
            patient: RecordId([5; 16]),
            session: RecordId([6; 16]),
            reason: "ETREAT",
            words: "unconscious on arrival",
            rule: "provider-breaks-glass",
            seconds: 3_600,
            alarm,
        };
        self.keeper.emergency.smash(&caller, &smashing).await.unwrap();
    }

    async fn round(&self, number: u64) {
        round(&self.keeper, number).await.unwrap();
    }

    async fn chain(&self) -> String {
        let block = self.doubles.store.entries(ChainId::from(TENANT), 1, 100).await.unwrap();
        String::from_utf8(block.lines).unwrap()
    }

    async fn waiting(&self) -> usize {
        self.keeper.emergency.waiting().await.unwrap().len()
    }
}

#[tokio::test]
async fn what_ends_with_its_session_is_written_down_and_forgotten() {
    let house = house().await;
    house.smash(false).await;
    house.round(0).await;
    assert!(!house.chain().await.contains("BreakGlassEnded"), "its request may still be at work");
    house.doubles.clock.advance(HELD_SECONDS);
    house.round(1).await;
    assert!(!house.chain().await.contains("BreakGlassEnded"), "sessions are looked at now and then");
    house.round(SELDOM).await;
    assert!(house.chain().await.contains("BreakGlassEnded"));
    assert_eq!(house.waiting().await, 1);
    house.round(SELDOM + 1).await;
    assert_eq!(house.waiting().await, 0);
    assert!(!house.chain().await.contains("BreakGlassExpired"));
}

#[tokio::test]
async fn what_ends_by_time_is_written_down_once_and_counted() {
    let house = house().await;
    house.smash(false).await;
    house.doubles.clock.advance(3_600);
    for number in 1..4 {
        house.round(number).await;
    }
    assert_eq!(house.chain().await.matches("BreakGlassExpired").count(), 1);
    assert_eq!(house.waiting().await, 0);
    house.round(0).await;
    assert_eq!(house.keeper.gauges.open.load(Ordering::Relaxed), 1);
    house.doubles.clock.advance(71 * 3_600);
    house.round(SELDOM).await;
    assert_eq!(house.keeper.gauges.overdue.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn an_alarm_that_is_owed_is_not_forgotten_by_a_gateway_that_has_nobody_to_tell() {
    let house = house().await;
    house.smash(true).await;
    house.smash(false).await;
    house.doubles.clock.advance(3_600);
    for number in 1..4 {
        house.round(number).await;
    }
    assert_eq!(house.chain().await.matches("BreakGlassExpired").count(), 2);
    let waiting = house.keeper.emergency.waiting().await.unwrap();
    assert_eq!(waiting.iter().map(|kept| (kept.value.alarm, kept.value.told)).collect::<Vec<_>>(), [(true, false)]);
    house.keeper.emergency.told(&waiting[0], true).await.unwrap();
    house.round(4).await;
    assert_eq!(house.waiting().await, 0);
}

#[tokio::test]
async fn a_use_that_cannot_be_attended_to_holds_up_no_other() {
    let house = house().await;
    house.smash_in(OTHER, false).await;
    house.doubles.clock.advance(1);
    house.smash(false).await;
    house.silent.to_other.store(true, Ordering::Relaxed);
    house.doubles.clock.advance(3_600);
    house.round(1).await;
    assert!(house.chain().await.contains("BreakGlassExpired"));
    house.round(2).await;
    assert_eq!(house.waiting().await, 1, "it is tried again");
    house.silent.to_other.store(false, Ordering::Relaxed);
    house.round(3).await;
    house.round(4).await;
    assert_eq!(house.waiting().await, 0);
}
