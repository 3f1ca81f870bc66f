//! Security keys: set up first, added, shown, removed, and every way in which one is refused.

use super::house::{Browser, Got, House, ORIGIN, PASSWORD};
use super::local::{Alice, alice, between, code, invitation, show_password};
use crate::service::Limits;
use actix_web::http::StatusCode;
use domain::access::Factor;
use domain::alarm::Alarms;
use domain::directory::Account;
use domain::ports::Clock;
use domain::rate::Rate;
use domain::refusals::RefusalLimits;
use sso::double::Authenticator;

/// Says whether a page may load our script, and nothing beside it.
fn is_scripted(page: &Got) -> bool {
    let script = page.body.split_once("<script src=\"").map(|(_, rest)| rest.split('"').next().unwrap());
    let policy = page.header("content-security-policy");
    script.is_some_and(|script| policy.ends_with(&format!("; script-src {ORIGIN}{script}")))
}

/// Makes an answer to what is asked in some wrong way.
type Try<'a> = Box<dyn FnMut(&mut Authenticator, &str) -> String + 'a>;

/// What the form for a key is to be answered to.
fn options(page: &Got) -> String {
    between(&page.body, "data-options=\"", "\"").replace("&#34;", "\"")
}

/// Takes up the form whose address has this in it: on pages of somebody who is signed in it is not the first. Returns the address.
fn form(browser: &mut Browser<'_>, page: &Got, part: &str) -> String {
    let form = page.body.split("<form").skip(1).find(|form| between(form, " action=\"", "\"").contains(part)).unwrap();
    browser.token = between(form, "name=\"csrf\" value=\"", "\"");
    between(form, " action=\"", "\"").replace("&#38;", "&")
}

fn key(number: u8) -> Authenticator {
    Authenticator::new(number, ORIGIN).unwrap()
}

/// Alice with an app and a key; the clock is where codes are new.
async fn with_key(house: &House) -> (Alice<'_>, Authenticator) {
    let (mut alice, mut key) = (alice(house).await, key(1));
    let done = add(&mut alice.browser, &mut key, "Blue key").await;
    assert_eq!(done.location(), "/account/keys?done=added", "{}", done.body);
    house.reload().await;
    house.doubles.clock.advance(60);
    (alice, key)
}

async fn add(browser: &mut Browser<'_>, key: &mut Authenticator, name: &str) -> Got {
    let page = browser.get("/account/keys").await;
    let answer = key.register(&options(&page)).unwrap();
    browser.post("/account/keys", &[("name", name), ("answer", &answer)]).await
}

/// Shows the password in another browser; returns it with the page that asks for more.
async fn asked<'a>(house: &'a House) -> (Browser<'a>, Got) {
    let mut browser = Browser::new(house);
    let shown = show_password(&mut browser, house, "alice", PASSWORD).await;
    let page = browser.get(shown.location()).await;
    (browser, page)
}

async fn show(house: &House, browser: &mut Browser<'_>, answer: &str) -> Got {
    browser.post(&format!("/sign-in/{}/key", house.tenant), &[("answer", answer)]).await
}

async fn stored(house: &House) -> Account {
    house.door.administration.stored_account(house.account).await.unwrap()
}

#[actix_web::test]
async fn a_key_stands_in_for_the_app_at_sign_in_and_is_recorded() {
    let house = House::new().await;
    let (mut alice, mut key) = with_key(&house).await;
    let list = alice.browser.get("/account/keys").await;
    assert!(list.body.contains("Blue key") && list.body.contains("added "), "{}", list.body);
    assert!(alice.browser.get("/account").await.body.contains("1 added"));
    for _ in 0..2 {
        let (mut browser, page) = asked(&house).await;
        assert!(page.body.contains("six digits") && is_scripted(&page));
        let answer = key.sign(&options(&page)).unwrap();
        let done = show(&house, &mut browser, &answer).await;
        assert_eq!(done.location(), "/", "{}", done.body);
        assert!(browser.get("/account").await.body.contains("<dt>Second factor</dt><dd>shown</dd>"));
    }
    let entries = house.entries().await;
    for (action, count) in [("SecurityKeyAdded", 1), ("SecurityKeyUsed", 2)] {
        assert_eq!(entries.iter().filter(|entry| **entry == (action.to_owned(), "success".to_owned())).count(), count);
    }
    let used = house.contexts("SecurityKeyUsed").await;
    let id = stored(&house).await.security_keys[0].id;
    assert_eq!(used[0].amr, ["fido", "hwk", "user"]);
    assert_eq!(used[0].returned, [format!("SecurityKey/{id}")]);
    let (mut browser, _) = asked(&house).await;
    let path = format!("/sign-in/{}/code", house.tenant);
    assert_eq!(browser.post(&path, &[("code", &code(&house, &alice.key))]).await.location(), "/", "the app as before");
}

#[actix_web::test]
async fn each_refusal_has_its_reason_in_the_chain_and_one_face() {
    let house = House::new().await;
    let (_, mut key) = with_key(&house).await;
    let mut tries: Vec<(&str, Try<'_>)> = vec![
        (
            "wrong-origin",
            Box::new(|key, options| {
                key.origin = "https://evil.example".to_owned();
                let answer = key.sign(options).unwrap();
                key.origin = ORIGIN.to_owned();
                answer
            }),
        ),
        (
            "wrong-relying-party",
            Box::new(|key, options| {
                key.relying_party = Some("evil.example".to_owned());
                let answer = key.sign(options).unwrap();
                key.relying_party = None;
                answer
            }),
        ),
        (
            "wrong-challenge",
            Box::new(|key, options| {
                let challenge = between(options, "\"challenge\":\"", "\"");
                key.sign(&options.replace(&challenge, &"A".repeat(43))).unwrap()
            }),
        ),
        (
            "user-not-verified",
            Box::new(|key, options| {
                key.verifies = false;
                let answer = key.sign(options).unwrap();
                key.verifies = true;
                answer
            }),
        ),
        (
            "user-not-present",
            Box::new(|key, options| {
                key.present = false;
                let answer = key.sign(options).unwrap();
                key.present = true;
                answer
            }),
        ),
        ("unknown-key", Box::new(|_, options| self::key(7).sign(options).unwrap())),
        (
            "counter-went-back",
            Box::new(|key, options| {
                let before = key.counter.replace(0);
                let answer = key.sign(options).unwrap();
                key.counter = before;
                answer
            }),
        ),
        ("unreadable-key-answer", Box::new(|_, _| "{}".to_owned())),
        (
            "challenge-expired",
            Box::new(|key, options| {
                house.doubles.clock.advance(300);
                key.sign(options).unwrap()
            }),
        ),
    ];
    let mut faces = Vec::new();
    for (reason, make) in &mut tries {
        let (mut browser, page) = asked(&house).await;
        let answer = make(&mut key, &options(&page));
        let refused = show(&house, &mut browser, &answer).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{reason}");
        assert!(browser.cookie("__Host-sealgate").is_none(), "{reason}");
        assert_eq!(house.contexts("LoginFailed").await.last().unwrap().reason.as_deref(), Some(*reason));
        faces.push(between(&refused.body, "There is a problem", "</div>"));
    }
    faces.dedup();
    assert_eq!(faces.len(), 1, "{faces:?}");
}

#[actix_web::test]
async fn a_refused_key_is_recorded_with_its_person_and_a_copy_raises_an_alarm() {
    let house = House::with(Limits { alarm: true, ..Limits::default() }).await;
    let (_, mut key) = with_key(&house).await;
    let account = stored(&house).await;
    let naming = &house.service.sign_in.vault.secrets(house.tenant).naming;
    let person = account.to_assertion(Factor::Shown, house.doubles.clock.now()).person(naming);
    let alarms = Alarms(&house.service.sign_in.book);
    let (mut browser, page) = asked(&house).await;
    key.present = false;
    show(&house, &mut browser, &key.sign(&options(&page)).unwrap()).await;
    key.present = true;
    assert!(alarms.waiting().await.unwrap().is_empty());
    let (mut browser, page) = asked(&house).await;
    assert_eq!(show(&house, &mut browser, &key.sign(&options(&page)).unwrap()).await.location(), "/");
    key.counter = Some(0);
    for _ in 0..2 {
        let (mut browser, page) = asked(&house).await;
        show(&house, &mut browser, &key.sign(&options(&page)).unwrap()).await;
        key.counter = Some(0);
    }
    let (mut browser, page) = asked(&house).await;
    show(&house, &mut browser, &self::key(9).sign(&options(&page)).unwrap()).await;
    let (mut browser, _) = asked(&house).await;
    let path = format!("/sign-in/{}/code", house.tenant);
    browser.post(&path, &[("code", "000000")]).await;
    assert_eq!(house.about("LoginFailed").await, vec![person.to_string(); 5]);
    let id = account.security_keys[0].id;
    let told = house.contexts("LoginFailed").await;
    let told: Vec<_> = told.iter().map(|entry| (entry.reason.as_deref().unwrap(), entry.returned.join(" "))).collect();
    let known = || format!("SecurityKey/{id}");
    let expected = [
        ("user-not-present", known()),
        ("counter-went-back", known()),
        ("counter-went-back", known()),
        ("unknown-key", String::new()),
        ("wrong-code", String::new()),
    ];
    assert_eq!(told, expected);
    let waiting = alarms.waiting().await.unwrap();
    assert_eq!(waiting.len(), 1, "of one key once an hour");
    let about = &waiting[0].value.about;
    assert_eq!((about.key, about.account, about.person, about.tenant), (id, account.id, person, house.tenant));
}

#[actix_web::test]
async fn whoever_has_a_key_of_a_former_host_alone_goes_on_by_a_recovery_code_and_not_by_the_password() {
    let house = House::new().await;
    let (mut browser, mut key) = (Browser::new(&house), key(1));
    let path = invitation(&house).await;
    browser.get(&path).await;
    let set = browser.post(&path, &[("password", PASSWORD), ("again", PASSWORD)]).await;
    let page = browser.get(set.location()).await;
    let enrol_key = format!("/sign-in/{}/enrol-key", house.tenant);
    let answer = key.register(&options(&page)).unwrap();
    let done = browser.post(&enrol_key, &[("name", "Only"), ("answer", &answer)]).await;
    let code = done.body.split("<li>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    assert_eq!(stored(&house).await.security_keys[0].host, "here.example");
    // The gateway is known by another name from now on.
    let moved = house.known_as("https://moved.example").await;
    moved.doubles.clock.advance(60);
    let (mut browser, page) = asked(&moved).await;
    assert!(
        page.body.contains("Recovery code") && page.body.contains("for another address of this site"),
        "{}",
        page.body
    );
    for enrol in ["enrol", "enrol-key"] {
        let path = format!("/sign-in/{}/{enrol}", moved.tenant);
        let refused = browser.get(&path).await;
        assert!(!refused.status.is_success(), "{path}: {}", refused.body);
    }
    let told = moved.contexts("LoginFailed").await;
    assert_eq!(told.last().unwrap().reason.as_deref(), Some("already-enrolled"));
    let (mut browser, _) = asked(&moved).await;
    let in_again = browser.post(&format!("/sign-in/{}/recovery", moved.tenant), &[("code", &code)]).await;
    assert_eq!(in_again.status, StatusCode::SEE_OTHER, "{}", in_again.body);
    moved.reload().await;
    let list = browser.get("/account/keys").await;
    assert!(
        list.body.contains("for another address of this site") && !list.body.contains("Remove it"),
        "{}",
        list.body
    );
    let mut another = Authenticator::new(2, "https://moved.example").unwrap();
    let added = add(&mut browser, &mut another, "Another").await;
    assert_eq!(added.location(), "/account/keys?done=added", "{}", added.body);
    moved.reload().await;
    let list = browser.get("/account/keys").await;
    assert_eq!(list.body.matches("Remove it").count(), 1, "the former one: {}", list.body);
    assert!(browser.get("/account").await.body.contains("1 added"));
    moved.doubles.clock.advance(60);
    let (_, page) = asked(&moved).await;
    let [first, second] = [0, 1].map(|at| key_of(&page, at));
    assert!(first.is_some() && second.is_none(), "one key is asked for: {}", page.body);
    let id = stored(&moved).await.security_keys[0].id.to_string();
    browser.get("/account/keys").await;
    let removed = browser.post("/account/keys/remove", &[("key", &id)]).await;
    assert_eq!(removed.location(), "/account/keys?done=removed", "{}", removed.body);
}

/// The key at this place of those that are asked for.
fn key_of(page: &Got, at: usize) -> Option<String> {
    let asked: serde_json::Value = serde_json::from_str(&options(page)).unwrap();
    asked["publicKey"]["allowCredentials"][at]["id"].as_str().map(str::to_owned)
}

#[actix_web::test]
async fn what_a_signed_in_person_is_refused_is_bounded_as_at_sign_in() {
    let address = Rate { burst: 5, every_ms: 60_000 };
    let house = House::held_to(Limits::default(), RefusalLimits { address, ..RefusalLimits::default() }).await;
    let (mut alice, _) = with_key(&house).await;
    let before = house.contexts("SecurityKeyAdded").await.len();
    let mut answers = Vec::new();
    for _ in 0..10 {
        alice.browser.get("/account/keys").await;
        answers.push(alice.browser.post("/account/keys", &[("name", "Late"), ("answer", "{}")]).await.status);
    }
    let refused = answers.iter().filter(|status| **status == StatusCode::UNAUTHORIZED).count();
    assert_eq!((refused, answers.last()), (5, Some(&StatusCode::TOO_MANY_REQUESTS)), "{answers:?}");
    assert_eq!(house.contexts("SecurityKeyAdded").await.len(), before.saturating_add(5));
    house.service.sign_in.refusals.summarise(true).await.unwrap();
    let flood = house.contexts("CredentialRefused").await;
    assert_eq!(flood[0].reason.as_deref(), Some("flood"));
}

#[actix_web::test]
async fn whoever_has_a_new_key_is_told_of_it_for_a_while() {
    let house = House::new().await;
    let (mut alice, mut key) = with_key(&house).await;
    let page = alice.browser.get("/account").await;
    assert!(page.body.contains("Blue key") && page.body.contains("was added to your account on"), "{}", page.body);
    house.doubles.clock.advance(15 * 86_400);
    let (mut browser, page) = asked(&house).await;
    assert_eq!(show(&house, &mut browser, &key.sign(&options(&page)).unwrap()).await.location(), "/");
    assert!(!browser.get("/account").await.body.contains("was added to your account on"));
}

#[actix_web::test]
async fn a_removed_key_leaves_no_count_behind() {
    let house = House::new().await;
    let (mut alice, mut key) = with_key(&house).await;
    key.counter = Some(1_000);
    let (mut other, page) = asked(&house).await;
    assert_eq!(show(&house, &mut other, &key.sign(&options(&page)).unwrap()).await.location(), "/");
    let id = stored(&house).await.security_keys[0].id.to_string();
    alice.browser.get("/account/keys").await;
    alice.browser.post("/account/keys/remove", &[("key", &id)]).await;
    house.reload().await;
    let mut same = self::key(1);
    let done = add(&mut alice.browser, &mut same, "Blue key").await;
    assert_eq!(done.location(), "/account/keys?done=added", "{}", done.body);
    house.reload().await;
    let (mut other, page) = asked(&house).await;
    assert_eq!(show(&house, &mut other, &same.sign(&options(&page)).unwrap()).await.location(), "/");
}

#[actix_web::test]
async fn an_answer_is_good_once_and_in_the_browser_that_was_asked() {
    let house = House::new().await;
    let (_, mut key) = with_key(&house).await;
    let (mut browser, page) = asked(&house).await;
    let options = options(&page);
    key.present = false;
    show(&house, &mut browser, &key.sign(&options).unwrap()).await;
    key.present = true;
    let answer = key.sign(&options).unwrap();
    assert_eq!(show(&house, &mut browser, &answer).await.status, StatusCode::UNAUTHORIZED);
    let last = |contexts: Vec<domain::audit::Context>| contexts.last().unwrap().reason.clone().unwrap();
    assert_eq!(last(house.contexts("LoginFailed").await), "challenge-used");
    let (mut other, _) = asked(&house).await;
    assert_eq!(show(&house, &mut other, &answer).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(last(house.contexts("LoginFailed").await), "wrong-challenge");
    let again = self::options(&browser.get(&format!("/sign-in/{}/code", house.tenant)).await);
    let answer = key.sign(&again).unwrap();
    let cookie = browser.cookie("__Host-sealgate-sign-in").unwrap().to_owned();
    assert_eq!(show(&house, &mut browser, &answer).await.location(), "/");
    browser.set_cookie("__Host-sealgate-sign-in", &cookie);
    let token = page.body.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    browser.token = token;
    assert_eq!(show(&house, &mut browser, &answer).await.status, StatusCode::UNAUTHORIZED, "the step is over");
    assert_eq!(last(house.contexts("LoginFailed").await), "step-over");
}

#[actix_web::test]
async fn a_key_is_set_up_first_instead_of_an_app_and_then_asked_for() {
    let house = House::new().await;
    let (mut browser, mut key) = (Browser::new(&house), key(1));
    let path = invitation(&house).await;
    browser.get(&path).await;
    let set = browser.post(&path, &[("password", PASSWORD), ("again", PASSWORD)]).await;
    let page = browser.get(set.location()).await;
    assert!(is_scripted(&page) && page.body.contains("<svg"));
    let to = format!("/sign-in/{}/enrol-key", house.tenant);
    let answer = key.register(&options(&page)).unwrap();
    let nameless = browser.post(&to, &[("name", " "), ("answer", &answer)]).await;
    assert!(nameless.body.contains("href=\"#name\""), "{}", nameless.body);
    let done = browser.post(&to, &[("name", "Lanyard"), ("answer", &answer)]).await;
    assert!(done.body.contains("Keep your recovery codes"), "{}", done.body);
    let recovery = between(&done.body, "translate=\"no\"><li>", "<");
    house.reload().await;
    assert!(browser.get("/account").await.body.contains("<dt>Second factor</dt><dd>shown</dd>"));
    house.doubles.clock.advance(60);
    let (mut second, page) = asked(&house).await;
    assert!(page.body.contains("Your security key") && !page.body.contains("six digits"), "{}", page.body);
    // A password alone sets nothing else up.
    let enrol = second.get(&format!("/sign-in/{}/enrol", house.tenant)).await;
    assert_eq!(enrol.status, StatusCode::UNAUTHORIZED);
    let (mut second, page) = asked(&house).await;
    assert_eq!(show(&house, &mut second, &key.sign(&options(&page)).unwrap()).await.location(), "/");
    let (mut third, _) = asked(&house).await;
    let path = format!("/sign-in/{}/recovery", house.tenant);
    third.get(&path).await;
    assert_eq!(third.post(&path, &[("code", &recovery)]).await.location(), "/", "a recovery code stands in for it");
}

#[actix_web::test]
async fn a_removed_key_signs_in_no_more_and_the_last_factor_stays() {
    let house = House::new().await;
    let (mut alice, mut key) = with_key(&house).await;
    let (mut other, page) = asked(&house).await;
    assert_eq!(show(&house, &mut other, &key.sign(&options(&page)).unwrap()).await.location(), "/");
    let (mut begun, page) = asked(&house).await;
    let answer = key.sign(&options(&page)).unwrap();
    let id = stored(&house).await.security_keys[0].id.to_string();
    alice.browser.get("/account/keys").await;
    let removed = alice.browser.post("/account/keys/remove", &[("key", &id)]).await;
    assert_eq!(removed.location(), "/account/keys?done=removed", "{}", removed.body);
    house.reload().await;
    assert!(alice.browser.get("/account/keys?done=removed").await.body.contains("None was added yet"));
    assert_ne!(other.get("/account").await.status, StatusCode::OK, "sessions from before are over");
    assert_eq!(show(&house, &mut begun, &answer).await.status, StatusCode::UNAUTHORIZED);
    house.doubles.clock.advance(1);
    let (_, page) = asked(&house).await;
    assert!(!page.body.contains("data-options"), "{}", page.body);
    assert!(house.entries().await.contains(&("SecurityKeyRemoved".to_owned(), "success".to_owned())));
    let again = alice.browser.post("/account/keys/remove", &[("key", &id)]).await;
    assert_eq!(again.location(), "/account/keys", "removed already");
    assert_eq!(alice.browser.post("/account/keys/remove", &[("key", "x")]).await.status, StatusCode::BAD_REQUEST);
}

#[actix_web::test]
async fn the_only_second_factor_is_not_removed() {
    let house = House::new().await;
    let (mut browser, mut key) = (Browser::new(&house), key(1));
    let path = invitation(&house).await;
    browser.get(&path).await;
    let set = browser.post(&path, &[("password", PASSWORD), ("again", PASSWORD)]).await;
    let page = browser.get(set.location()).await;
    let answer = key.register(&options(&page)).unwrap();
    browser.post(&format!("/sign-in/{}/enrol-key", house.tenant), &[("name", "Only"), ("answer", &answer)]).await;
    house.reload().await;
    let list = browser.get("/account/keys").await;
    assert!(list.body.contains("It is your only second factor") && !list.body.contains("Remove it"), "{}", list.body);
    let id = stored(&house).await.security_keys[0].id.to_string();
    let refused = browser.post("/account/keys/remove", &[("key", &id)]).await;
    assert!(refused.body.contains("Add another key or set up an app first"), "{}", refused.body);
    assert_eq!(house.contexts("SecurityKeyRemoved").await[0].reason.as_deref(), Some("last-factor"));
    assert_eq!(stored(&house).await.security_keys.len(), 1);
}

#[actix_web::test]
async fn a_key_of_another_account_a_twin_and_an_eleventh_are_not_added() {
    let house = House::new().await;
    let (mut alice, mut key) = with_key(&house).await;
    let twin = add(&mut alice.browser, &mut self::key(2), "BLUE KEY").await;
    assert!(twin.body.contains("Another of your keys has this name"), "{}", twin.body);
    let known = add(&mut alice.browser, &mut key, "Again").await;
    assert!(known.status == StatusCode::UNAUTHORIZED && known.body.contains("was added before"), "{}", known.body);
    assert_eq!(house.contexts("SecurityKeyAdded").await.last().unwrap().reason.as_deref(), Some("key-taken"));
    for number in 2..=10 {
        let done = add(&mut alice.browser, &mut self::key(number), &format!("Key {number}")).await;
        assert_eq!(done.location(), "/account/keys?done=added", "{}", done.body);
    }
    let full = alice.browser.get("/account/keys").await;
    assert!(full.body.contains("Ten keys are the most") && !full.body.contains("data-options"));
    assert!(!full.header("content-security-policy").contains("script-src"));
    let late = alice.browser.post("/account/keys", &[("name", "Late"), ("answer", "{}")]).await;
    assert_eq!(late.status, StatusCode::UNAUTHORIZED);
}

#[actix_web::test]
async fn keys_ask_for_a_step_up_which_a_key_satisfies() {
    let house = House::new().await;
    let (mut alice, mut key) = with_key(&house).await;
    house.doubles.clock.advance(300);
    let to = alice.browser.get("/account/keys").await;
    assert_eq!(to.location(), "/step-up?return=%2Faccount%2Fkeys");
    let again = alice.browser.get(to.location()).await.location().to_owned();
    let before = alice.browser.cookie("__Host-sealgate").unwrap().to_owned();
    let page = alice.browser.get(&again).await;
    let to = form(&mut alice.browser, &page, "/password");
    let shown = alice.browser.post(&to, &[("name", "alice"), ("password", PASSWORD)]).await;
    let page = alice.browser.get(shown.location()).await;
    let to = form(&mut alice.browser, &page, "/key");
    let done = alice.browser.post(&to, &[("answer", &key.sign(&options(&page)).unwrap())]).await;
    assert_eq!(done.location(), "/account/keys", "{}", done.body);
    assert_ne!(alice.browser.cookie("__Host-sealgate"), Some(before.as_str()), "another secret");
    assert_eq!(alice.browser.get("/account/keys").await.status, StatusCode::OK);
    let mut bob = house.signed_in("bob", "doctors").await;
    assert_eq!(bob.get("/account/keys").await.status, StatusCode::NOT_FOUND, "he has his at his provider");
}

#[actix_web::test]
async fn before_the_password_nobody_is_told_who_has_a_key() {
    let house = House::new().await;
    with_key(&house).await;
    let mut pages = Vec::new();
    for name in ["alice", "nobody"] {
        let mut browser = Browser::new(&house);
        show_password(&mut browser, &house, name, "wrong but long enough").await;
        let page = browser.get(&format!("/sign-in/{}/code", house.tenant)).await;
        assert!(!page.body.contains("data-options") && !page.header("content-security-policy").contains("script"));
        let mut parts: Vec<String> = page.body.split("value=\"").map(str::to_owned).collect();
        parts.iter_mut().skip(1).for_each(|part| *part = part.split_once('"').unwrap().1.to_owned());
        pages.push(parts.concat().split("class=\"code\">").next().unwrap().to_owned());
    }
    assert_eq!(pages[0], pages[1]);
}

#[actix_web::test]
async fn the_script_is_handed_out_under_its_present_name_only() {
    let house = House::new().await;
    let (mut alice, _) = with_key(&house).await;
    let page = alice.browser.get("/account/keys").await;
    let name = between(&page.body, "<script src=\"", "\"");
    let script = Browser::new(&house).get(&name).await;
    assert_eq!((script.status, script.header("content-type")), (StatusCode::OK, "text/javascript; charset=utf-8"));
    assert_eq!(script.header("cache-control"), "public, max-age=31536000, immutable");
    assert!(script.body.contains("navigator.credentials") && page.body.matches("<script").count() == 1);
    assert_eq!(Browser::new(&house).get("/assets/sealgate-keys-0.js").await.status, StatusCode::NOT_FOUND);
}
