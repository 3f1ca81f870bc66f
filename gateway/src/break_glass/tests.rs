use super::*;
use domain::access::{Clinics, Context, Principal, PrincipalKind, Purpose, Role, Roles, Scopes, Subject};
use domain::audit::ChainId;
use domain::directory::Tenant;
use domain::double::{Installation as Doubles, MemoryTickets};
use domain::emergency::Smashing;
use domain::id::{CorrelationId, RecordId, TenantId};
use domain::ports::{Store, TenantKeyMaker};
use domain::retrieval::Caller;
use domain::ticket::{TicketBook, TicketKeys};
use domain::time::Timestamp;

const TENANT: TenantId = TenantId([1; 16]);

struct House {
    doubles: Doubles,
    keeper: Arc<Keeper>,
    tasks: TaskTracker,
    _directory: watch::Sender<Arc<Directory>>,
}

async fn house() -> House {
    let doubles = Doubles::new(5).unwrap();
    doubles.store.add_tenant_key(doubles.vault.make_tenant_key(TENANT, 1).unwrap()).await.unwrap();
    let book = Arc::new(TicketBook {
        tickets: Arc::new(MemoryTickets::default()),
        keys: TicketKeys::derive(&doubles.roots.session),
        clock: doubles.clock.clone(),
        entropy: doubles.entropy.clone(),
    });
    let tenant = Tenant { id: TENANT, name: "North".to_owned(), settings: Default::default(), created: Timestamp(0) };
    let (sender, directory) = watch::channel(Arc::new(Directory::new([tenant], [], [], [])));
    let keeper = Keeper {
        emergency: Emergency {
            store: doubles.store.clone(),
            ledger: doubles.ledger.clone(),
            vault: doubles.vault.clone(),
            clock: doubles.clock.clone(),
            entropy: doubles.entropy.clone(),
            book,
        },
        directory,
        webhook: None,
        clock: doubles.clock.clone(),
        gauges: Arc::default(),
        sending: Arc::new(Semaphore::new(SENDING)),
    };
    House { doubles, keeper: Arc::new(keeper), tasks: TaskTracker::new(), _directory: sender }
}

impl House {
    async fn smash(&self) {
        let caller = Caller {
            subject: Subject {
                principal: Principal {
                    id: RecordId([4; 16]).to_string(),
                    display: "Ada".to_owned(),
                    kind: PrincipalKind::Person,
                },
                tenant: TENANT,
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
        };
        self.keeper.emergency.smash(&caller, &smashing).await.unwrap();
    }

    async fn round(&self, number: u64) {
        round(&self.keeper, &self.tasks, number).await.unwrap();
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
    house.smash().await;
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
    house.smash().await;
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
