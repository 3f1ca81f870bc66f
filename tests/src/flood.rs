//! A flood of sign-ins with wrong passwords, from many addresses at once, and what it does to others.

use crate::gateway::{Gateway, PATIENCE, pause};
use crate::person::csrf;
use crate::{browser::Browser, home::Party};
use reqwest::{Client, redirect};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::runtime::Builder;
use tokio::sync::Semaphore;

/// The cookie of a browser that is signing in.
const SIGN_IN: &str = "__Host-sealgate-sign-in";
/// Addresses that the flood comes from, one in each of as many networks of loopback.
const ADDRESSES: u8 = 32;
/// Sign-ins that wait for their answers; further ones are not sent.
const IN_FLIGHT: usize = 512;
/// How long a sign-in waits for its answer.
const WAIT: Duration = PATIENCE;

/// A flood that runs.
pub struct Flood {
    stop: Arc<AtomicBool>,
    running: JoinHandle<Counts>,
}

/// What became of a flood.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// Sign-ins that were sent.
    pub sent: u64,
    /// Those that were not, since too many waited already.
    pub held_back: u64,
    /// Answers by status code; 0 for those that got none.
    pub answers: BTreeMap<u16, u64>,
    /// How long it took.
    pub took: Duration,
}

impl Flood {
    /// Begins a flood of so many sign-ins a second; every second one is for a name that exists.
    #[must_use]
    pub fn begin(gateway: &Gateway, party: &Party, name: &str, rate: u32) -> Self {
        let origin = gateway.origin();
        let url = format!("{origin}/sign-in/{}/password", party.id);
        let mut browser = Browser::new();
        let page = browser.get(&format!("{origin}/sign-in/{}", party.id));
        let cookie = browser.cookie(&gateway.fhir_address().to_string(), SIGN_IN).expect("a cookie").to_owned();
        let field = csrf(&page);
        let (stop, name) = (Arc::new(AtomicBool::new(false)), name.to_owned());
        let ends = Arc::clone(&stop);
        let running = std::thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
            let cookie = format!("{SIGN_IN}={cookie}");
            runtime.block_on(flood(&Target { url, origin, cookie, field, name }, rate, &ends))
        });
        Self { stop, running }
    }

    /// Ends it.
    #[must_use]
    pub fn end(self) -> Counts {
        self.stop.store(true, Ordering::Relaxed);
        self.running.join().expect("the flood ends")
    }
}

struct Target {
    url: String,
    origin: String,
    cookie: String,
    field: String,
    name: String,
}

async fn flood(target: &Target, rate: u32, stop: &AtomicBool) -> Counts {
    let client = |number: u8| {
        let from = IpAddr::V4(Ipv4Addr::new(127, 9, number, 1));
        let made = Client::builder().timeout(WAIT).no_proxy().local_address(from).redirect(redirect::Policy::none());
        made.build().expect("an HTTP client")
    };
    let clients: Vec<Client> = (1..=ADDRESSES).map(client).collect();
    let (places, answers) = (Arc::new(Semaphore::new(IN_FLIGHT)), Arc::new(Mutex::new(BTreeMap::<u16, u64>::new())));
    let (mut sent, mut held_back, begun) = (0_u64, 0_u64, Instant::now());
    let mut tick = tokio::time::interval(Duration::from_millis(10));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
    while !stop.load(Ordering::Relaxed) {
        tick.tick().await;
        // As many as are due by now: a slow answer does not slow the flood.
        let due = begun.elapsed().as_millis() * u128::from(rate) / 1_000;
        while u128::from(sent + held_back) < due {
            let number = sent + held_back;
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                held_back += 1;
                continue;
            };
            sent += 1;
            let known = number.is_multiple_of(2);
            let name = if known { target.name.clone() } else { format!("nobody-{number}") };
            let wrong = format!("wrong-password-{number}");
            let form = [("csrf", target.field.as_str()), ("name", &name), ("password", &wrong)];
            let client = &clients[usize::try_from(number).unwrap_or_default() % clients.len()];
            let request = client.post(&target.url).header("origin", &target.origin).header("cookie", &target.cookie);
            let (request, answers) = (request.form(&form), Arc::clone(&answers));
            tokio::spawn(async move {
                let status = request.send().await.map_or(0, |answer| answer.status().as_u16());
                *answers.lock().unwrap_or_else(PoisonError::into_inner).entry(status).or_default() += 1;
                drop(place);
            });
        }
    }
    let took = begun.elapsed();
    let _ = tokio::time::timeout(WAIT, places.acquire_many(u32::try_from(IN_FLIGHT).unwrap_or_default())).await;
    let answers = answers.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Counts { sent, held_back, answers, took }
}

/// Reads one path over and over, so many times a second, whatever became of the reads before; returns how long each took from the moment
/// it was due, shortest first.
#[must_use]
pub fn read(gateway: &Gateway, party: &Party, path: &str, rate: u32, time: Duration) -> Vec<Duration> {
    let url = format!("http://{}/fhir{path}", gateway.fhir_address());
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let http = Client::builder().timeout(WAIT).no_proxy().build().expect("an HTTP client");
    let taken = Arc::new(Mutex::new(Vec::new()));
    let failed = Arc::new(AtomicU64::new(0));
    runtime.block_on(async {
        let begun = Instant::now();
        let mut waiting = tokio::task::JoinSet::new();
        for number in 0..u32::try_from(time.as_millis() * u128::from(rate) / 1_000).unwrap_or(u32::MAX) {
            let due = begun + Duration::from_secs(1) * number / rate;
            tokio::time::sleep_until(due.into()).await;
            let request = http.get(&url).bearer_auth(&party.token);
            let (taken, failed) = (Arc::clone(&taken), Arc::clone(&failed));
            waiting.spawn(async move {
                let answer = async { request.send().await?.error_for_status()?.bytes().await }.await;
                match answer {
                    Ok(_) => taken.lock().unwrap_or_else(PoisonError::into_inner).push(due.elapsed()),
                    Err(_) => drop(failed.fetch_add(1, Ordering::Relaxed)),
                }
            });
        }
        waiting.join_all().await;
    });
    assert_eq!(failed.load(Ordering::Relaxed), 0, "every read is answered");
    let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner).clone();
    taken.sort();
    taken
}

/// Returns what so many hundredths of the times do not exceed.
#[must_use]
pub fn percentile(sorted: &[Duration], hundredths: usize) -> Duration {
    let at = (sorted.len() * hundredths).div_ceil(100).saturating_sub(1);
    sorted.get(at).copied().unwrap_or_default()
}

/// Watches the memory of a gateway while something is done; returns what that returns, and the most kilobytes that it held.
pub fn watching<T>(gateway: &Gateway, work: impl FnOnce() -> T) -> (T, u64) {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let most = scope.spawn(|| {
            let mut most = 0;
            while !done.load(Ordering::Relaxed) {
                most = most.max(gateway.kilobytes("VmRSS"));
                pause(Duration::from_millis(50));
            }
            most
        });
        let result = work();
        done.store(true, Ordering::Relaxed);
        (result, most.join().expect("the watch ends"))
    })
}
