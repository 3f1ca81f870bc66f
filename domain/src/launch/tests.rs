use super::*;
use crate::access::{Clinics, Purpose, Role, Roles, Scopes, Session as State};
use crate::directory::{
    Account, Application, ApplicationUse, Connection, Directory, LOCAL_ISSUER, OidcSettings, PersonName, Protocol,
    ProvisionedGroup, ProvisionedGroups, ProvisionedPerson, Provisioning, Tenant, TenantSettings,
};
use crate::double::{self, FixedClock, MemoryTickets, run};
use crate::id::{RecordId, TenantId};
use crate::identity::{Criterion, Rule, Session, Since};
use crate::refusals::Wait;
use crate::secret::SecretBytes;
use crate::sign_in::person_owner;
use crate::ticket::{TicketBook, TicketKind};
use crate::time::Timestamp;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::str::from_utf8;

const TENANT: TenantId = TenantId([2; 16]);
const APP: RecordId = RecordId([5; 16]);
const OTHER: RecordId = RecordId([6; 16]);
const PERSON: RecordId = RecordId([7; 16]);
const PATIENT: RecordId = RecordId([8; 16]);
const ACCOUNT: RecordId = RecordId([9; 16]);
const BACK: &str = "https://app.example/back";
const BASE: &str = "https://here.example/fhir";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

struct House {
    launches: Launches,
    book: Arc<TicketBook>,
    clock: Arc<FixedClock>,
    directory: Directory,
}

fn application(id: RecordId) -> Application {
    let scopes = [
        "openid",
        "fhirUser",
        "launch",
        "launch/patient",
        "offline_access",
        "online_access",
        "patient/*.rs",
        "user/*.rs",
    ];
    Application {
        id,
        tenant: TENANT,
        name: "chart".into(),
        r#use: ApplicationUse::Launch { redirect_uris: vec![BACK.into()], launch_uri: None, confidential: false },
        jwks: None,
        jwks_uri: None,
        secret_hash: None,
        scopes: scopes.iter().map(ToString::to_string).collect(),
        enabled: true,
        created: Timestamp(0),
        ended: None,
    }
}

fn account() -> Account {
    Account {
        id: ACCOUNT,
        tenant: TENANT,
        name: "ada".into(),
        display: "Ada".into(),
        roles: Roles::of(&[Role::Provider]),
        clinics: Clinics::All,
        purpose: Purpose::Treatment,
        password: None,
        totp: None,
        recovery: Vec::new(),
        security_keys: Vec::new(),
        enabled: true,
        created: Timestamp(0),
        password_changed: None,
        ended: None,
    }
}

fn directory(account: Account, application: &dyn Fn(Application) -> Application) -> Directory {
    let tenant =
        Tenant { id: TENANT, name: "North".into(), settings: TenantSettings::default(), created: Timestamp(0) };
    let applications = [APP, OTHER].map(self::application).map(application);
    Directory::new([tenant], [], [], []).with_people([], [account], applications)
}

fn session() -> Session {
    Session {
        id: RecordId([1; 16]),
        tenant: TENANT,
        connection: Account::connection(TENANT),
        person: PERSON,
        issuer: LOCAL_ISSUER.into(),
        subject: ACCOUNT.to_string(),
        display: "Ada".into(),
        roles: Roles::of(&[Role::Provider]),
        clinics: Clinics::All,
        purpose: Purpose::Treatment,
        provided_group: None,
        password_changed: None,
        second_factor: true,
        factor_waived: false,
        started: Timestamp(0),
        authenticated: Timestamp(0),
        seen: Timestamp(0),
        until: None,
        provider_session: None,
        address: String::new(),
        glass: None,
        since: Since::default(),
    }
}

impl House {
    async fn new() -> Self {
        let clock = Arc::new(FixedClock::new(Timestamp(0)));
        let book = Arc::new(double::book(Arc::new(MemoryTickets::default()), &clock));
        let house = Self {
            launches: Launches::new(book.clone()),
            book,
            clock,
            directory: directory(account(), &|application| application),
        };
        house.sign_in().await;
        house
    }

    async fn sign_in(&self) {
        let (key, owner) =
            (self.book.keys.key(TicketKind::Session, &[b"secret"]), person_owner(&self.book.keys, PERSON));
        let expires = Timestamp(0).plus_seconds(43_200);
        assert!(self.book.put(TicketKind::Session, TENANT, key, owner, expires, &session()).await.unwrap());
    }

    async fn sign_out(&self) {
        let key = self.book.keys.key(TicketKind::Session, &[b"secret"]);
        assert!(self.book.take::<Session>(TicketKind::Session, key).await.unwrap().is_some());
    }

    fn asked(&self, scope: &str) -> Asked {
        asked(&self.directory, &[("scope", scope)]).ok().unwrap()
    }

    async fn code(&self, scope: &str) -> String {
        let asked = self.asked(scope);
        let wish = asked.wish.clone();
        self.launches.grant(&asked, &session(), Some(PATIENT), wish).await.unwrap().1
    }

    async fn redeem(&self, code: &str) -> Result<Given, &'static str> {
        let given = self.launches.redeem(code, APP, BACK, VERIFIER, &self.directory).await;
        self.taken_back(given).await
    }

    async fn refresh(&self, token: &SecretBytes) -> Result<Given, &'static str> {
        let given = self.launches.refresh(shown(token), APP, None, &self.directory).await;
        self.taken_back(given).await
    }

    /// Takes back what is to be, as its caller does who has recorded it.
    async fn taken_back(&self, given: Result<Given, NotGiven>) -> Result<Given, &'static str> {
        match given {
            Ok(given) => Ok(given),
            Err(not) => {
                if let Some(kept) = &not.revoked {
                    assert!(self.launches.take_back(kept).await.unwrap());
                }
                Err(not.reason)
            }
        }
    }

    async fn holds(&self, given: &Given) -> bool {
        let scopes = &given.wish.records;
        self.launches.admit(given.grant.id, APP, scopes, &self.directory).await.unwrap().is_some()
    }
}

fn shown(token: &SecretBytes) -> &str {
    from_utf8(token.expose()).unwrap()
}

/// Reads a good request with some parameters changed; an empty value takes one away.
fn asked(directory: &Directory, changed: &[(&str, &str)]) -> Result<Asked, Fault> {
    let client = APP.to_string();
    let good = [
        ("client_id", client.as_str()),
        ("redirect_uri", BACK),
        ("response_type", "code"),
        ("state", "s"),
        ("aud", BASE),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("scope", "launch/patient patient/*.rs"),
    ];
    let pairs: Vec<(String, String)> = good
        .iter()
        .filter(|(name, _)| !changed.iter().any(|(changed, _)| changed == name))
        .chain(changed)
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect();
    let get = |name: &str| {
        pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    };
    read(&get, directory, BASE)
}

#[test]
fn a_request_whose_answer_has_no_safe_address_redirects_nobody() {
    let off = |application: Application| Application { enabled: false, ..application };
    let (on, off) = (directory(account(), &|application| application), directory(account(), &off));
    let loud = APP.to_string().to_uppercase().replace("05", "AB");
    for (directory, changed, wanted) in [
        (&on, ("client_id", ""), "no-client"),
        (&on, ("client_id", "x"), "unknown-client"),
        (&on, ("client_id", loud.as_str()), "unknown-client"),
        (&on, ("redirect_uri", ""), "no-redirect"),
        (&on, ("redirect_uri", "https://app.example/back/"), "redirect"),
        (&on, ("redirect_uri", "https://app.example/back?x=1"), "redirect"),
        (&on, ("redirect_uri", "https://evil.example/back"), "redirect"),
        (&off, ("state", "s"), "disabled-client"),
    ] {
        match asked(directory, &[changed]) {
            Err(Fault::Here { reason, .. }) => assert_eq!(reason, wanted),
            _ => panic!("{wanted}"),
        }
    }
}

#[test]
fn every_other_fault_is_told_to_the_application_with_its_state_and_our_name() {
    let directory = directory(account(), &|application| application);
    let long = "x".repeat(1_025);
    for (changed, error, wanted) in [
        (("request", "e30"), "request_not_supported", "request-object"),
        (("request_uri", "https://a"), "request_uri_not_supported", "request-object"),
        (("response_type", "token"), "unsupported_response_type", "response-type"),
        (("response_type", ""), "invalid_request", "no-response-type"),
        (("response_mode", "fragment"), "invalid_request", "response-mode"),
        (("state", ""), "invalid_request", "no-state"),
        (("state", long.as_str()), "invalid_request", "no-state"),
        (("aud", ""), "invalid_request", "no-audience"),
        (("aud", "https://evil.example/fhir"), "invalid_request", "audience"),
        (("code_challenge", ""), "invalid_request", "no-challenge"),
        (("code_challenge", "short"), "invalid_request", "challenge"),
        (("code_challenge_method", ""), "invalid_request", "challenge-method"),
        (("code_challenge_method", "plain"), "invalid_request", "challenge-method"),
        (("nonce", long.as_str()), "invalid_request", "too-long"),
        (("max_age", "-1"), "invalid_request", "max-age"),
        (("prompt", "none"), "interaction_required", "prompt-none"),
        (("scope", ""), "invalid_scope", "no-scope"),
        (("scope", "patient/Observation.sr"), "invalid_scope", "scope-malformed"),
        (("scope", "system/*.rs"), "invalid_scope", "scope-not-registered"),
        (("scope", "fhirUser"), "invalid_scope", "scope-not-registered"),
        (("scope", "patient/*.rs"), "invalid_scope", "no-launch-context"),
        (("scope", "launch patient/*.rs"), "invalid_scope", "no-launch-context"),
        (("launch", "abc"), "invalid_scope", "launch-not-asked-for"),
    ] {
        match asked(&directory, &[changed]) {
            Err(Fault::There(back)) => {
                assert_eq!((back.error.name(), back.reason), (error, wanted));
                let to = back.address("https://here.example");
                assert!(to.starts_with("https://app.example/back?error="), "{to}");
                assert!(to.ends_with("&iss=https%3A%2F%2Fhere.example"), "{to}");
                assert_eq!(to.contains("&state=s&"), changed.0 != "state", "{to}");
            }
            _ => panic!("{wanted}"),
        }
    }
    let many: Vec<String> = (0..41).map(|n| format!("user/Observation.rs?code=a|{n}")).collect();
    assert!(
        matches!(asked(&directory, &[("scope", &many.join(" "))]), Err(Fault::There(back)) if back.reason == "too-many-scopes")
    );
}

#[test]
fn what_is_asked_is_what_was_registered_and_has_a_patient_to_be_about() {
    let directory = directory(account(), &|application| application);
    let of = |scope: &str, launch: &str| {
        asked(&directory, &[("scope", scope), ("launch", launch)]).ok().unwrap().wish.render()
    };
    assert_eq!(of("openid fhirUser patient/*.read user/Patient.rs", ""), "openid fhirUser user/Patient.rs");
    assert_eq!(of("launch patient/*.cruds email", "abc"), "launch patient/*.rs");
    assert_eq!(of("fhirUser launch/patient launch/encounter patient/*.rs", ""), "launch/patient patient/*.rs");
    assert_eq!(of("openid", ""), "openid");
}

#[test]
fn an_answer_is_added_behind_the_query_of_an_address() {
    let to = |address: &str| answer_address(address, [("code", "a b"), ("state", "é")]);
    assert_eq!(to("https://a/b"), "https://a/b?code=a%20b&state=%C3%A9");
    assert_eq!(to("https://a/b?x=1"), "https://a/b?x=1&code=a%20b&state=%C3%A9");
    assert_eq!(to("com.example.app:/b?"), "com.example.app:/b?code=a%20b&state=%C3%A9");
}

#[test]
fn a_code_is_good_once_and_a_second_time_ends_what_came_of_it() {
    run(async {
        let house = House::new().await;
        let code = house.code("launch/patient patient/*.rs offline_access").await;
        let given = house.redeem(&code).await.ok().unwrap();
        assert!(house.holds(&given).await && given.refresh.is_some());
        house.clock.advance(3_600);
        assert!(house.holds(&given).await);
        let again = house.launches.redeem(&code, APP, BACK, VERIFIER, &house.directory).await.err().unwrap();
        assert_eq!(again.reason, "code-replayed");
        let revoked = again.revoked.unwrap();
        assert_eq!(revoked.value.id, given.grant.id);
        assert!(house.holds(&given).await, "until it is recorded that it ends");
        assert!(house.launches.take_back(&revoked).await.unwrap());
        assert!(!house.holds(&given).await);
        assert_eq!(house.refresh(&given.refresh.unwrap()).await.err(), Some("grant-ended"));
        assert_eq!(house.redeem(&code).await.err(), Some("grant-ended"));
    });
}

#[test]
fn a_code_in_the_wrong_hands_is_worth_nothing_afterwards_to_anybody() {
    run(async {
        let house = House::new().await;
        for (client, back, verifier, wanted) in [
            (OTHER, BACK, VERIFIER, "code-of-another-client"),
            (APP, "https://app.example/other", VERIFIER, "redirect"),
            (APP, "", VERIFIER, "redirect"),
            (APP, BACK, CHALLENGE, "verifier"),
            (APP, BACK, "", "verifier"),
        ] {
            let code = house.code("launch/patient patient/*.rs").await;
            let not = house.launches.redeem(&code, client, back, verifier, &house.directory).await;
            assert_eq!(house.taken_back(not).await.err(), Some(wanted));
            assert_eq!(house.redeem(&code).await.err(), Some("grant-ended"), "{wanted}");
        }
        for guess in ["", "x", &"A".repeat(43), &"A".repeat(1_000), &format!("{}é", "A".repeat(41))] {
            assert_eq!(house.redeem(guess).await.err(), Some("unknown-code"));
        }
        let code = house.code("launch/patient patient/*.rs").await;
        house.clock.advance(CODE_SECONDS);
        assert_eq!(house.redeem(&code).await.err(), Some("expired-code"));
    });
}

#[test]
fn a_refresh_token_is_good_once_and_its_reuse_ends_its_successors() {
    run(async {
        let house = House::new().await;
        let code = house.code("launch/patient patient/*.rs online_access").await;
        let first = house.redeem(&code).await.ok().unwrap();
        let second = house.refresh(first.refresh.as_ref().unwrap()).await.ok().unwrap();
        let third = house.refresh(second.refresh.as_ref().unwrap()).await.ok().unwrap();
        assert!(house.holds(&third).await);
        assert_eq!(house.refresh(first.refresh.as_ref().unwrap()).await.err(), Some("refresh-replayed"));
        assert!(!house.holds(&third).await);
        assert_eq!(house.refresh(third.refresh.as_ref().unwrap()).await.err(), Some("grant-ended"));

        let code = house.code("launch/patient patient/*.rs online_access").await;
        let given = house.redeem(&code).await.ok().unwrap();
        let token = shown(given.refresh.as_ref().unwrap());
        let by = |client, scope| house.launches.refresh(token, client, scope, &house.directory);
        for wider in
            ["user/*.rs", "patient/*.cruds", "patient/*.rs user/Patient.r", "openid", "offline_access", "x", " "]
        {
            assert_eq!(by(APP, Some(wider)).await.err().unwrap().reason, NotGiven::WIDER, "{wider}");
        }
        let less = by(APP, Some("patient/Observation.r")).await.ok().unwrap();
        assert_eq!(
            (less.wish.render().as_str(), less.grant.wish.render().as_str()),
            ("patient/Observation.r", "launch/patient online_access patient/*.rs")
        );
        let whole = house.refresh(less.refresh.as_ref().unwrap()).await.ok().unwrap();
        assert_eq!(whole.wish, whole.grant.wish, "what was not asked for once may be asked for again");
        let token = whole.refresh.unwrap();
        let not = house.launches.refresh(shown(&token), OTHER, None, &house.directory).await;
        assert_eq!(house.taken_back(not).await.err(), Some("token-of-another-client"));
        assert_eq!(house.refresh(&token).await.err(), Some("grant-ended"));
    });
}

#[test]
fn a_grant_is_refreshed_so_often_and_whoever_waits_loses_nothing() {
    run(async {
        let house = House::new().await;
        let code = house.code("launch/patient patient/*.rs offline_access").await;
        let mut token = house.redeem(&code).await.ok().unwrap().refresh.unwrap();
        for _ in 0..REFRESH_RATE.burst {
            token = house.refresh(&token).await.ok().unwrap().refresh.unwrap();
        }
        for _ in 0..100 {
            let not = house.launches.refresh(shown(&token), APP, None, &house.directory).await.err().unwrap();
            assert_eq!((not.reason, not.wait, not.revoked.is_none()), ("refreshed-too-often", Some(Wait(10)), true));
        }
        house.clock.advance(10);
        token = house.refresh(&token).await.ok().unwrap().refresh.unwrap();
        assert_eq!(house.refresh(&token).await.err(), Some("refreshed-too-often"));
        let other = house.code("launch/patient patient/*.rs offline_access").await;
        let other = house.redeem(&other).await.ok().unwrap().refresh.unwrap();
        assert!(house.refresh(&other).await.is_ok(), "another grant has its own");
    });
}

#[test]
fn what_was_granted_ends_with_the_session_unless_it_may_stay() {
    run(async {
        for (scope, refreshes, stays) in [
            ("launch/patient patient/*.rs", false, false),
            ("launch/patient patient/*.rs online_access", true, false),
            ("launch/patient patient/*.rs online_access offline_access", true, true),
        ] {
            let house = House::new().await;
            let code = house.code(scope).await;
            let given = house.redeem(&code).await.ok().unwrap();
            assert!(house.holds(&given).await, "{scope}");
            assert_eq!(given.refresh.is_some(), refreshes, "{scope}");
            house.sign_out().await;
            assert_eq!(house.holds(&given).await, stays, "{scope}");
            if let Some(token) = &given.refresh {
                let again = house.refresh(token).await;
                assert_eq!(again.err(), (!stays).then_some("session-ended"), "{scope}");
            }
        }
        let house = House::new().await;
        let code = house.code("launch/patient patient/*.rs online_access").await;
        let given = house.redeem(&code).await.ok().unwrap();
        house.clock.advance(899);
        assert!(house.holds(&given).await);
        house.clock.advance(1);
        assert!(!house.holds(&given).await, "an idle session is over, whatever the application does");
        let house = House::new().await;
        let code = house.code("launch/patient patient/*.rs offline_access").await;
        let given = house.redeem(&code).await.ok().unwrap();
        house.clock.advance(OFFLINE_SECONDS - 1);
        assert!(house.holds(&given).await);
        let taken = house.code("launch/patient patient/*.rs offline_access").await;
        assert!(house.launches.granted_by(TenantId([3; 16]), PERSON).await.unwrap().is_empty(), "another tenant");
        let all = house.launches.granted_by(TENANT, PERSON).await.unwrap();
        assert_eq!(all.len(), 2);
        let newest = all.iter().max_by_key(|kept| kept.value.given).unwrap();
        assert!(house.launches.take_back(newest).await.unwrap());
        assert_eq!(house.redeem(&taken).await.err(), Some("grant-ended"));
        assert!(house.holds(&given).await);
        house.clock.advance(1);
        assert!(!house.holds(&given).await);
    });
}

#[test]
fn what_was_granted_ends_for_good_with_the_person_and_with_the_application() {
    run(async {
        let mut house = House::new().await;
        let code = house.code("launch/patient patient/*.rs offline_access").await;
        let given = house.redeem(&code).await.ok().unwrap();
        let same = |application| application;
        let off = |application: Application| Application { enabled: false, ..application };
        let moved = |application: Application| Application { tenant: TenantId([3; 16]), ..application };
        let was_off = |application: Application| Application { ended: Some(Timestamp(1)), ..application };
        let reader = Roles::of(&[Role::ReadOnly]);
        let later = Some(Timestamp(1));
        for changed in [
            directory(Account { enabled: false, ..account() }, &same),
            directory(Account { roles: reader, ..account() }, &same),
            directory(Account { password_changed: later, ..account() }, &same),
            directory(Account { ended: later, ..account() }, &same),
            directory(account(), &off),
            directory(account(), &was_off),
            directory(account(), &moved),
            Directory::default(),
        ] {
            house.directory = changed;
            assert!(!house.holds(&given).await);
        }
        house.directory = directory(account(), &same);
        assert!(house.holds(&given).await);
        let fewer =
            |application: Application| Application { scopes: vec!["patient/Observation.r".into()], ..application };
        house.directory = directory(account(), &fewer);
        let admitted = house.launches.admit(given.grant.id, APP, &given.wish.records, &house.directory).await.unwrap();
        let (subject, circumstances, _) = admitted.unwrap();
        assert_eq!(subject.scopes, Scopes::Limited(vec!["patient/Observation.r".parse().unwrap()]));
        assert_eq!((subject.compartment, subject.principal.id), (Some(PATIENT), PERSON.to_string()));
        assert_eq!((circumstances.session, circumstances.break_glass), (State::Current, None));
        let other = house.launches.admit(given.grant.id, OTHER, &given.wish.records, &house.directory).await.unwrap();
        assert!(other.is_none());
    });
}

#[test]
fn a_request_waits_for_its_person_and_a_launch_is_used_up() {
    run(async {
        let house = House::new().await;
        let handle = house.launches.keep(house.asked("launch/patient patient/*.rs")).await.unwrap();
        let kept = house.launches.pending(&handle).await.unwrap().unwrap();
        let chosen = Chosen { session: session().id, patient: PATIENT };
        assert!(house.launches.choose(&kept, chosen).await.unwrap());
        let kept = house.launches.pending(&handle).await.unwrap().unwrap();
        assert_eq!(kept.value.patient_of(&session()), Some(PATIENT));
        let other = Session { id: RecordId([99; 16]), ..session() };
        assert_eq!(kept.value.patient_of(&other), None, "chosen in another session");
        assert!(house.launches.finish(&kept).await.unwrap() && !house.launches.finish(&kept).await.unwrap());

        let launched = Launched { person: PERSON, patient: PATIENT, application: APP };
        let launch = house.launches.launch(TENANT, &launched).await.unwrap();
        assert!(house.launches.pending(&launch).await.unwrap().is_none(), "it is no request");
        let asked = Asked { launch: Some(launch), ..house.asked("launch/patient patient/*.rs") };
        let keep = || async {
            let handle = house.launches.keep(asked.clone()).await.unwrap();
            house.launches.pending(&handle).await.unwrap().unwrap().value
        };
        let (first, second) = (keep().await, keep().await);
        house.clock.advance(LAUNCH_SECONDS);
        assert_eq!(keep().await.patient_of_launch(&session()), Err("unknown-launch"), "it came too late");
        let anew = Session { id: RecordId([99; 16]), ..session() };
        assert_eq!(first.patient_of_launch(&anew), Ok(PATIENT), "also in a later session");
        let somebody = Session { person: OTHER, ..session() };
        assert_eq!(first.patient_of_launch(&somebody), Err("launch-of-another-person"));
        let theirs = Asked { application: OTHER, ..first.asked.clone() };
        let theirs = Pending { asked: theirs, ..first.clone() };
        assert_eq!(theirs.patient_of_launch(&session()), Err("launch-of-another-application"));
        assert!(house.launches.use_up(&first.asked).await.unwrap());
        assert!(!house.launches.use_up(&second.asked).await.unwrap(), "once");
        house.clock.advance(PENDING_SECONDS - 1);
        assert!(!house.launches.use_up(&second.asked).await.unwrap(), "as long as a request may go on");
        // Looked up in the last moment, and answered after it.
        house.clock.advance(LAUNCH_SECONDS + 30);
        assert!(!house.launches.use_up(&second.asked).await.unwrap(), "and while it is being answered");
    });
}

#[test]
fn a_person_proves_anew_who_they_are_where_the_application_wants_it() {
    let directory = directory(account(), &|application| application);
    let pending = |changed: &[(&str, &str)]| {
        let begun = Timestamp(0).plus_seconds(100);
        Pending { asked: asked(&directory, changed).ok().unwrap(), begun, launched: None, chosen: None }
    };
    let at = |seconds| Session { authenticated: Timestamp(0).plus_seconds(seconds), ..session() };
    assert!(!pending(&[]).wants_proof(&at(0)));
    assert!(pending(&[("prompt", "consent login")]).wants_proof(&at(98)));
    assert!(!pending(&[("prompt", "login")]).wants_proof(&at(99)), "told in whole seconds");
    assert!(pending(&[("max_age", "60")]).wants_proof(&at(38)));
    assert!(!pending(&[("max_age", "60")]).wants_proof(&at(39)));
    assert!(!pending(&[("max_age", "0")]).wants_proof(&at(100)), "who signs in for it has proved it");
}

/// Returns a directory with a connection whose provider told of one person and of a group, in which the person is or is not.
fn told_ahead(connection: RecordId, member: bool) -> Directory {
    let tenant =
        Tenant { id: TENANT, name: "North".into(), settings: TenantSettings::default(), created: Timestamp(0) };
    let settings = OidcSettings::new("https://idp.example".into(), "sealgate".into());
    let roles = Roles::of(&[Role::Provider]);
    let when = Criterion::Group("ward".into());
    let known = Connection {
        id: connection,
        tenant: TENANT,
        name: "idp".into(),
        enabled: true,
        protocol: Protocol::Oidc(settings),
        rules: vec![Rule { when, roles, clinics: Clinics::All, purpose: Purpose::Treatment }],
        provisioning: Provisioning { groups: ProvisionedGroups::Always, ..Provisioning::default() },
        created: Timestamp(0),
        ended: None,
    };
    let person = ProvisionedPerson {
        id: RecordId([11; 16]),
        tenant: TENANT,
        connection,
        user_name: "ada".into(),
        external_id: Some("object-1".into()),
        display: None,
        name: PersonName::default(),
        emails: Vec::new(),
        active: true,
        removed: false,
        former: None,
        earlier: Vec::new(),
        created: Timestamp(0),
        ended: None,
    };
    let group = ProvisionedGroup {
        id: RecordId([12; 16]),
        tenant: TENANT,
        connection,
        display: "ward".into(),
        external_id: None,
        members: if member { vec![person.id] } else { Vec::new() },
        removed: false,
        created: Timestamp(0),
    };
    let applications = [APP, OTHER].map(application);
    Directory::new([tenant], [], [], []).with_people([known], [], applications).with_provisioned([person], [group])
}

#[test]
fn what_stays_offline_ends_when_its_person_leaves_the_group_that_admitted_them() {
    run(async {
        let connection = RecordId([10; 16]);
        let house = House { directory: told_ahead(connection, true), ..House::new().await };
        let admitted = Session {
            connection,
            issuer: "https://idp.example".into(),
            subject: "object-1".into(),
            provided_group: Some("ward".into()),
            ..session()
        };
        let asked = house.asked("launch/patient patient/*.rs offline_access");
        let wish = asked.wish.clone();
        let code = house.launches.grant(&asked, &admitted, Some(PATIENT), wish).await.unwrap().1;
        let given = house.redeem(&code).await.ok().unwrap();
        house.sign_out().await;
        assert!(house.holds(&given).await, "it needs no session");
        let house = House { directory: told_ahead(connection, false), ..house };
        assert!(!house.holds(&given).await);
        let refused = house.refresh(given.refresh.as_ref().unwrap()).await;
        assert_eq!(refused.err(), Some("person-not-admitted"));
    });
}
