//! What is remembered of refusals: a fixed number of buckets, and what was counted instead of being written.

use super::Asked;
use crate::id::TenantId;
use crate::keys::MacKey;
use crate::rate::{Bucket, Rate};
use crate::secret::Secret;
use crate::ticket::TicketKey;
use crate::time::Timestamp;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv6Addr};

/// How many refusals get an entry of their own, and how many sign-ins may be begun and left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefusalLimits {
    /// Entries about one address: of IPv4 itself, of IPv6 its /64, which is one link (RFC 4291 §2.5.4).
    pub address: Rate,
    /// Entries in one chain: a tenant's, or the system's.
    pub chain: Rate,
    /// Sign-ins that one address begins at an identity provider and does not finish, requests of applications among them.
    pub started: Rate,
    /// Requests of applications that wait for one tenant's people: those are kept here. A sign-in is carried by its browser, so what
    /// others begin is no reason to keep anybody from it.
    pub started_in_tenant: Rate,
    /// Answers of identity providers to one sign-in that come to nothing: each costs a request or a process.
    pub tries: Rate,
    /// The same by address: those to no sign-in that was begun, and those beyond [`RefusalLimits::tries`].
    pub returned: Rate,
    /// Places in each of the two rows of buckets, of 8 bytes.
    pub places: usize,
}

impl Default for RefusalLimits {
    /// 300 at once and one in 5 seconds of an address; 1,000 and one a second in a chain; 300 and 5 a second begun by an address;
    /// 6,000 and 100 a second of requests in a tenant; 3 and one in 200 seconds brought in vain to one sign-in, 300 and one a second by
    /// an address; 16,384 places, which are 1.5 MiB in all.
    fn default() -> Self {
        Self {
            address: Rate { burst: 300, every_ms: 5_000 },
            chain: Rate { burst: 1_000, every_ms: 1_000 },
            started: Rate { burst: 300, every_ms: 200 },
            started_in_tenant: Rate { burst: 6_000, every_ms: 10 },
            tries: Rate { burst: 3, every_ms: 200_000 },
            returned: Rate { burst: 300, every_ms: 1_000 },
            places: 16_384,
        }
    }
}

/// How often what was only counted is written, in seconds.
pub const INTERVAL_SECONDS: i64 = 60;
/// Most reasons and most addresses that a summary tells apart; the rest is told as one.
pub const MAX_TOLD: usize = 16;

/// The buckets and the counts.
pub(super) struct Gate {
    limits: RefusalLimits,
    // A bucket belongs to one rate: what another rate takes from it would fill it.
    of_addresses: Buckets,
    of_chains: Buckets,
    started: Buckets,
    started_in_tenants: Buckets,
    tries: Buckets,
    returned: Buckets,
    counted: BTreeMap<Of, Tally>,
}

/// In whose chain something is told, and what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Of {
    pub(super) chain: TenantId,
    pub(super) asked: Asked,
}

/// What becomes of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Noted {
    /// It gets an entry.
    Written,
    /// It is counted. Where its address has too many, it is to wait: microseconds.
    Counted(Option<i64>),
}

impl Gate {
    pub(super) fn new(limits: RefusalLimits, key: &Secret<32>) -> Self {
        let buckets = || Buckets::new(key, limits.places);
        Self {
            limits,
            of_addresses: buckets(),
            of_chains: buckets(),
            started: buckets(),
            started_in_tenants: buckets(),
            tries: buckets(),
            returned: buckets(),
            counted: BTreeMap::new(),
        }
    }

    /// Takes note of a refusal in a chain, from an address where there is one.
    pub(super) fn note(&mut self, of: Of, address: Option<IpAddr>, reason: &str, now: Timestamp) -> Noted {
        let (of_address, of_chain) = (address.map(Name::of_address), Name::of_chain(of.chain));
        let wait = of_address.as_ref().map_or(0, |name| self.of_addresses.wait(name, self.limits.address, now));
        if wait > 0 {
            self.count(of, address, reason, now);
            return Noted::Counted(Some(wait));
        }
        if let Some(name) = &of_address {
            self.of_addresses.take(name, self.limits.address, now);
        }
        // Whoever has had few is not held to what others did: only the entry is left out.
        if self.of_chains.wait(&of_chain, self.limits.chain, now) > 0 {
            self.count(of, address, reason, now);
            return Noted::Counted(None);
        }
        self.of_chains.take(&of_chain, self.limits.chain, now);
        Noted::Written
    }

    /// Returns for how many microseconds an address has had too many refusals, 0 when it has not.
    pub(super) fn wait(&self, address: IpAddr, now: Timestamp) -> i64 {
        self.of_addresses.wait(&Name::of_address(address), self.limits.address, now)
    }

    /// Lets somebody leave for an identity provider, or returns for how many microseconds they may not.
    pub(super) fn leave(&mut self, address: IpAddr, now: Timestamp) -> Result<(), i64> {
        take(&mut self.started, &Name::of_address(address), self.limits.started, now)
    }

    /// Gives back what somebody took who is back.
    pub(super) fn arrive(&mut self, address: IpAddr, left: Timestamp, now: Timestamp) {
        self.started.give_back(&Name::of_address(address), self.limits.started, left, now);
    }

    /// Takes one try at an answer, of its sign-in or else of its address, or returns for how many microseconds there is none.
    ///
    /// What an address brought keeps nobody behind it from finishing what they began, and what is begun elsewhere, however much, does not
    /// either: both would have to be used up.
    pub(super) fn take_try(&mut self, address: IpAddr, begun: Option<&TicketKey>, now: Timestamp) -> Result<Try, i64> {
        let of_sign_in = begun.map(Name::of_ticket);
        let wait = match of_sign_in {
            None => i64::MAX,
            Some(name) => match take(&mut self.tries, &name, self.limits.tries, now) {
                Ok(()) => return Ok(Try { name, of: TryOf::SignIn, taken: now }),
                Err(wait) => wait,
            },
        };
        let name = Name::of_address(address);
        match take(&mut self.returned, &name, self.limits.returned, now) {
            Ok(()) => Ok(Try { name, of: TryOf::Address, taken: now }),
            Err(of_address) => Err(wait.min(of_address)),
        }
    }

    /// Gives a try back that came to something.
    pub(super) fn give_try_back(&mut self, Try { name, of, taken }: &Try, now: Timestamp) {
        match of {
            TryOf::SignIn => self.tries.give_back(name, self.limits.tries, *taken, now),
            TryOf::Address => self.returned.give_back(name, self.limits.returned, *taken, now),
        }
    }

    /// Lets a request be kept, or returns for how many microseconds none may.
    pub(super) fn start(&mut self, tenant: TenantId, address: IpAddr, now: Timestamp) -> Result<(), i64> {
        let (of_tenant, rate) = (Name::of_chain(tenant), self.limits.started_in_tenant);
        let wait = self.started_in_tenants.wait(&of_tenant, rate, now);
        if wait > 0 {
            return Err(wait.max(self.started.wait(&Name::of_address(address), self.limits.started, now)));
        }
        self.leave(address, now)?;
        self.started_in_tenants.take(&of_tenant, rate, now);
        Ok(())
    }

    /// Gives back what a request took that was answered.
    pub(super) fn finish(&mut self, tenant: TenantId, address: IpAddr, started: Timestamp, now: Timestamp) {
        self.arrive(address, started, now);
        let rate = self.limits.started_in_tenant;
        self.started_in_tenants.give_back(&Name::of_chain(tenant), rate, started, now);
    }

    /// Counts a refusal that gets no entry.
    pub(super) fn count(&mut self, of: Of, address: Option<IpAddr>, reason: &str, now: Timestamp) {
        // Chains are those of tenants that exist, so there are no more tallies than three of each.
        let tally = self.counted.entry(of).or_insert_with(|| Tally::since(now));
        let address = address.map_or_else(|| "none".to_string(), |address| address.to_canonical().to_string());
        tally.add(reason, &address);
    }

    /// Takes out the tallies that have stood for long enough, or all.
    pub(super) fn due(&mut self, now: Timestamp, all: bool) -> Vec<(Of, Tally)> {
        let over = |tally: &Tally| all || tally.since.plus_seconds(INTERVAL_SECONDS) <= now || tally.since > now;
        let (due, rest): (Vec<_>, Vec<_>) =
            core::mem::take(&mut self.counted).into_iter().partition(|(_, tally)| over(tally));
        self.counted = rest.into_iter().collect();
        due
    }

    /// Puts back a tally that could not be written; what was counted since is added to it.
    pub(super) fn put_back(&mut self, of: Of, tally: Tally) {
        match self.counted.remove(&of) {
            None => self.counted.insert(of, tally),
            Some(since) => self.counted.insert(of, tally.joined(since)),
        };
    }
}

/// One answer that is looked at. Where it comes to nothing, or nobody waits for what comes of it, it stays taken.
pub struct Try {
    name: Name,
    of: TryOf,
    taken: Timestamp,
}

/// Whose a try is.
#[derive(Clone, Copy)]
enum TryOf {
    SignIn,
    Address,
}

/// Takes one of a bucket, or returns for how many microseconds there is none.
fn take(buckets: &mut Buckets, name: &Name, rate: Rate, now: Timestamp) -> Result<(), i64> {
    match buckets.wait(name, rate, now) {
        0 => {
            buckets.take(name, rate, now);
            Ok(())
        }
        wait => Err(wait),
    }
}

/// What was counted in a chain instead of being written.
pub(super) struct Tally {
    since: Timestamp,
    all: u64,
    reasons: BTreeMap<String, u64>,
    addresses: BTreeMap<String, u64>,
}

impl Tally {
    fn since(now: Timestamp) -> Self {
        Self { since: now, all: 0, reasons: BTreeMap::new(), addresses: BTreeMap::new() }
    }

    fn add(&mut self, reason: &str, address: &str) {
        self.all = self.all.saturating_add(1);
        add(&mut self.reasons, reason, 1);
        add(&mut self.addresses, address, 1);
    }

    fn joined(mut self, other: Self) -> Self {
        self.all = self.all.saturating_add(other.all);
        other.reasons.iter().for_each(|(reason, count)| add(&mut self.reasons, reason, *count));
        other.addresses.iter().for_each(|(address, count)| add(&mut self.addresses, address, *count));
        self
    }

    /// Returns when it began.
    pub(super) const fn began(&self) -> Timestamp {
        self.since
    }

    /// Returns the counts by what they are of.
    pub(super) fn counts(&self) -> BTreeMap<String, u64> {
        let all = core::iter::once(("refusals".to_string(), self.all));
        let reasons = self.reasons.iter().map(|(reason, count)| (alloc::format!("reason {reason}"), *count));
        let addresses = self.addresses.iter().map(|(address, count)| (alloc::format!("address {address}"), *count));
        all.chain(reasons).chain(addresses).collect()
    }
}

fn add(counts: &mut BTreeMap<String, u64>, name: &str, more: u64) {
    let name = if counts.contains_key(name) || counts.len() < MAX_TOLD { name } else { "other" };
    let count = counts.entry(name.to_string()).or_default();
    *count = count.saturating_add(more);
}

/// Buckets by name in two rows of fixed length; every name has a place in each row, and what it may is the better of the two.
///
/// Nothing is ever pushed out, so nobody can make room for himself. Two names may share a place; that they share both, so that one
/// suffers from the other, cannot be brought about on purpose: the places hang on a key that this process draws.
struct Buckets {
    key: MacKey,
    rows: [Vec<Bucket>; 2],
}

impl Buckets {
    fn new(key: &Secret<32>, places: usize) -> Self {
        let row = || vec![Bucket::FULL; places.max(1)];
        Self { key: MacKey::new(key), rows: [row(), row()] }
    }

    fn wait(&self, name: &Name, rate: Rate, now: Timestamp) -> i64 {
        let places = self.places(name);
        let waits = self.rows.iter().zip(places).filter_map(|(row, place)| row.get(place));
        waits.map(|bucket| bucket.wait(rate, now)).min().unwrap_or(0)
    }

    fn take(&mut self, name: &Name, rate: Rate, now: Timestamp) {
        self.each(name, |bucket| bucket.take(rate, now));
    }

    fn give_back(&mut self, name: &Name, rate: Rate, taken: Timestamp, now: Timestamp) {
        self.each(name, |bucket| bucket.give_back(rate, taken, now));
    }

    fn each(&mut self, name: &Name, change: impl Fn(&mut Bucket)) {
        let places = self.places(name);
        self.rows.iter_mut().zip(places).filter_map(|(row, place)| row.get_mut(place)).for_each(change);
    }

    fn places(&self, name: &Name) -> [usize; 2] {
        let hash = self.key.mac(&[&name.0]);
        let number = |from: usize| {
            let bytes = hash.get(from..).and_then(|rest| rest.first_chunk::<4>()).copied().unwrap_or_default();
            usize::try_from(u32::from_be_bytes(bytes)).unwrap_or(0)
        };
        let place = |row: &Vec<Bucket>, number: usize| number.checked_rem(row.len()).unwrap_or(0);
        let [first, second] = &self.rows;
        [place(first, number(0)), place(second, number(4))]
    }
}

/// Whom a bucket is of.
///
/// ```text
///   family u8: 0 a chain, 1 a sign-in, 4, 6 | id, beginning of the ticket's key, or address 16
/// ```
#[derive(Clone, Copy)]
struct Name([u8; 17]);

impl Name {
    fn of_address(address: IpAddr) -> Self {
        // One link of IPv6 has more addresses than anybody could count: its first 64 bits are one peer.
        match address.to_canonical() {
            IpAddr::V4(address) => Self::of(4, address.to_ipv6_mapped().octets()),
            IpAddr::V6(address) => Self::of(6, Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).octets()),
        }
    }

    fn of_chain(chain: TenantId) -> Self {
        Self::of(0, chain.0)
    }

    fn of_ticket(key: &TicketKey) -> Self {
        Self::of(1, key.0.first_chunk().copied().unwrap_or_default())
    }

    fn of(family: u8, whose: [u8; 16]) -> Self {
        let mut name = [0; 17];
        let bytes = core::iter::once(&family).chain(&whose);
        name.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
        Self(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::Ipv4Addr;
    use proptest::prelude::*;

    const OF: Of = Of { chain: TenantId([1; 16]), asked: Asked::SignIn };

    fn gate(places: usize) -> Gate {
        Gate::new(RefusalLimits { places, ..RefusalLimits::default() }, &Secret::new([3; 32]))
    }

    fn address(number: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from_bits(number))
    }

    #[test]
    fn a_link_of_ipv6_is_one_peer_and_a_mapped_address_is_its_ipv4() {
        let name = |text: &str| Name::of_address(text.parse().unwrap()).0;
        assert_eq!(name("2001:db8:1:2::1"), name("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(name("2001:db8:1:2::1"), name("2001:db8:1:3::1"));
        assert_eq!(name("::ffff:192.0.2.7"), name("192.0.2.7"));
        assert_ne!(name("192.0.2.7"), name("192.0.2.8"));
    }

    #[test]
    fn a_flood_from_everywhere_makes_nobody_room_and_holds_no_more_memory() {
        let (mut gate, now) = (gate(1_024), Timestamp(0));
        let burst = gate.limits.address.burst;
        for _ in 0..burst {
            gate.note(OF, Some(address(7)), "wrong", now);
        }
        for number in 1_000..51_000 {
            gate.note(OF, Some(address(number)), "wrong", now);
        }
        assert!(gate.wait(address(7), now) > 0, "what came between did not let it be forgotten");
        assert!(gate.of_addresses.rows.iter().all(|row| row.len() == 1_024));
        let (_, tally) = gate.due(now, true).pop().unwrap();
        assert!(tally.addresses.len() <= MAX_TOLD + 1);
        assert_eq!(tally.all, u64::from(burst) + 50_000 - u64::from(gate.limits.chain.burst));
    }

    #[test]
    fn one_address_does_not_silence_another() {
        let (mut gate, now) = (gate(16_384), Timestamp(0));
        for _ in 0..10_000 {
            gate.note(OF, Some(address(7)), "wrong", now);
        }
        for number in 100..600 {
            assert_eq!(gate.note(OF, Some(address(number)), "wrong", now), Noted::Written);
        }
    }

    #[test]
    fn a_tally_that_was_not_written_is_joined_with_what_came_since() {
        let (mut gate, now) = (gate(64), Timestamp(0));
        gate.count(OF, Some(address(1)), "wrong", now);
        let (of, tally) = gate.due(now, true).pop().unwrap();
        gate.count(OF, Some(address(1)), "other-word", now.plus_seconds(1));
        gate.put_back(of, tally);
        assert!(gate.due(now.plus_seconds(INTERVAL_SECONDS - 1), false).is_empty());
        let (_, tally) = gate.due(now.plus_seconds(INTERVAL_SECONDS), false).pop().unwrap();
        let counts = tally.counts();
        assert_eq!(counts.get("refusals"), Some(&2));
        assert_eq!((counts.get("reason wrong"), counts.get("address 0.0.0.1")), (Some(&1), Some(&2)));
        assert!(gate.due(now.plus_seconds(9_999), true).is_empty());
    }

    proptest! {
        #[test]
        fn no_window_has_more_entries_about_an_address_than_its_rate(
            steps in prop::collection::vec((0_i64..3_000_000, 0_u32..4), 1..600),
        ) {
            let mut gate = Gate::new(
                RefusalLimits { address: Rate { burst: 5, every_ms: 2_000 }, ..RefusalLimits::default() },
                &Secret::new([3; 32]),
            );
            let (mut now, mut written) = (Timestamp(0), Vec::new());
            for (step, number) in steps {
                now = Timestamp(now.0.saturating_add(step));
                if gate.note(OF, Some(address(number)), "wrong", now) == Noted::Written && number == 0 {
                    written.push(now.0);
                }
            }
            prop_assert!(crate::rate::no_window_has_more(&written, gate.limits.address));
        }
    }
}
