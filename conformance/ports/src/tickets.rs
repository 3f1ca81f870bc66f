//! The contract of [`Tickets`], sentence by sentence.

use crate::material::{OURS, THEIRS, at, id, sealed};
use crate::{Failure, Verdict, ensure, same};
use domain::id::TenantId;
use domain::ports::{BoxFuture, Tickets, Unavailable};
use domain::ticket::{Owner, StoredTicket, TicketKey};
use domain::time::Timestamp;
use std::future::poll_fn;
use std::task::{Context, Poll, Waker};

/// One sentence of the port, put to a keeper of tickets.
pub struct TicketCase {
    /// Stable name, never reused for another sentence.
    pub id: &'static str,
    /// What a keeper does when it conforms.
    pub sentence: &'static str,
    /// Runs the case where there are no tickets.
    pub run: for<'t> fn(&'t dyn Tickets) -> BoxFuture<'t, Verdict>,
}

macro_rules! cases {
    ($($id:literal $sentence:literal $run:path;)+) => {
        /// Every case, in the order of their ids.
        pub const TICKETS: &[TicketCase] =
            &[$(TicketCase { id: $id, sentence: $sentence, run: |tickets| Box::pin($run(tickets)) }),+];
    };
}

cases! {
    "TICKET-01" "a ticket reads back as it was put, whatever its size and times" verbatim;
    "TICKET-02" "put leaves alone a ticket that is there, and says so" put_twice;
    "TICKET-03" "put takes the place of a ticket whose time is over" put_over_expired;
    "TICKET-04" "from the moment it expires on, a ticket is as if it were not there" exact_moment;
    "TICKET-05" "put stores nothing at another revision than 1" first_revision;
    "TICKET-10" "take returns a ticket once" take_once;
    "TICKET-11" "of many who take a ticket at once, one gets it" take_race;
    "TICKET-12" "of many who put a ticket at once, one stores it" put_race;
    "TICKET-20" "replace writes everything but the key, and only from the revision before" replace;
    "TICKET-21" "of many who replace a revision at once, one does" replace_race;
    "TICKET-30" "of_owner returns the soonest to expire first, up to the limit" of_owner;
    "TICKET-31" "a ticket that was replaced is listed under its new owner and time" given_away;
    "TICKET-32" "remove_all removes every ticket of an owner, and nobody else's" remove_all;
    "TICKET-33" "invariant 1: the tickets of two tenants never meet" tenants;
    "TICKET-40" "sweep removes what is over, up to the limit, and nothing else" sweep;
    "TICKET-50" "writes that are dropped half-way leave the tickets whole and writable" dropped;
    "TICKET-51" "hundreds of writes at once are each answered with what they did" many;
}

const HOUR: i64 = 3_600;

fn key(number: u64) -> TicketKey {
    TicketKey(spread(number))
}

fn owner(number: u64) -> Owner {
    Owner(spread(number.wrapping_add(1 << 41)))
}

fn spread(number: u64) -> [u8; 32] {
    let mut bytes = [0x77; 32];
    for (slot, byte) in bytes.iter_mut().zip(id(number).0) {
        *slot = byte;
    }
    bytes
}

/// A new ticket of an owner that expires so many seconds after the start.
fn ticket(number: u64, owned: u64, expires: i64) -> StoredTicket {
    StoredTicket {
        key: key(number),
        owner: owner(owned),
        tenant: OURS,
        revision: 1,
        expires: at(expires),
        sealed: sealed(number, 1),
    }
}

fn after(ticket: &StoredTicket) -> StoredTicket {
    let revision = ticket.revision.saturating_add(1);
    StoredTicket { revision, sealed: [ticket.sealed.as_slice(), b"again"].concat(), ..ticket.clone() }
}

async fn put(tickets: &dyn Tickets, ticket: &StoredTicket) -> Verdict {
    ensure(tickets.put(ticket.clone(), at(0)).await?, "a new ticket was not stored")
}

async fn is_there(tickets: &dyn Tickets, ticket: &StoredTicket, now: Timestamp, sentence: &str) -> Verdict {
    ensure(tickets.find(ticket.key, now).await?.as_ref() == Some(ticket), sentence)
}

async fn is_absent(tickets: &dyn Tickets, number: u64, now: Timestamp, sentence: &str) -> Verdict {
    ensure(tickets.find(key(number), now).await?.is_none(), sentence)
}

/// Says which of our numbers the tickets have, in the order they came.
fn numbers(found: &[StoredTicket]) -> Vec<u64> {
    let number = |ticket: &StoredTicket| (0..1_000).find(|number| key(*number) == ticket.key);
    found.iter().filter_map(number).collect()
}

/// Polls all of them until each has its answer.
async fn all<T>(mut work: Vec<BoxFuture<'_, T>>) -> Vec<T> {
    let mut answers: Vec<Option<T>> = work.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (answer, future) in answers.iter_mut().zip(&mut work) {
            if answer.is_none()
                && let Poll::Ready(ready) = future.as_mut().poll(context)
            {
                *answer = Some(ready);
            }
        }
        if answers.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    answers.into_iter().flatten().collect()
}

fn yes(answers: Vec<Result<bool, Unavailable>>) -> Result<usize, Failure> {
    let answers: Vec<bool> = answers.into_iter().collect::<Result<_, _>>()?;
    Ok(answers.into_iter().filter(|yes| *yes).count())
}

async fn verbatim(tickets: &dyn Tickets) -> Verdict {
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    let written = [
        ticket(1, 1, HOUR),
        StoredTicket { sealed: Vec::new(), ..ticket(2, 1, HOUR) },
        StoredTicket { sealed: every_byte.repeat(400), ..ticket(3, 1, HOUR) },
        StoredTicket { tenant: TenantId::SYSTEM, expires: Timestamp(at(HOUR).0.wrapping_add(1)), ..ticket(4, 1, 0) },
        StoredTicket { expires: Timestamp(i64::MAX), ..ticket(5, 1, 0) },
    ];
    for ticket in &written {
        put(tickets, ticket).await?;
    }
    for ticket in &written {
        is_there(tickets, ticket, at(0), "a ticket does not read back as it was put").await?;
    }
    is_absent(tickets, 6, at(0), "a ticket that was never put was found").await
}

async fn put_twice(tickets: &dyn Tickets) -> Verdict {
    let first = ticket(1, 1, HOUR);
    put(tickets, &first).await?;
    let second = StoredTicket { sealed: vec![9], ..ticket(1, 2, 2 * HOUR) };
    ensure(!tickets.put(second, at(1)).await?, "a ticket was put in the place of one that is there")?;
    ensure(!tickets.put(first.clone(), at(1)).await?, "the same ticket was put twice")?;
    is_there(tickets, &first, at(2), "the first ticket did not stay").await
}

async fn put_over_expired(tickets: &dyn Tickets) -> Verdict {
    put(tickets, &ticket(1, 1, 60)).await?;
    let again = StoredTicket { tenant: THEIRS, sealed: vec![9], ..ticket(1, 2, HOUR) };
    let before = Timestamp(at(60).0.wrapping_sub(1));
    ensure(!tickets.put(again.clone(), before).await?, "a ticket was put in the place of one that is there")?;
    ensure(tickets.put(again.clone(), at(60)).await?, "a ticket that is over was in the way")?;
    is_there(tickets, &again, at(60), "the new ticket is not what was put").await?;
    ensure(tickets.of_owner(owner(1), at(0), 10).await?.is_empty(), "the old owner still has it")
}

async fn exact_moment(tickets: &dyn Tickets) -> Verdict {
    let there = ticket(1, 1, 60);
    put(tickets, &there).await?;
    let (before, moment) = (Timestamp(at(60).0.wrapping_sub(1)), at(60));
    is_there(tickets, &there, before, "a ticket was gone before its time").await?;
    same(&tickets.of_owner(owner(1), before, 10).await?.len(), &1, "listed before its time is over")?;
    is_absent(tickets, 1, moment, "a ticket was found at the moment it expires").await?;
    ensure(tickets.of_owner(owner(1), moment, 10).await?.is_empty(), "a ticket that is over was listed")?;
    let longer = StoredTicket { expires: at(HOUR), ..after(&there) };
    ensure(!tickets.replace(longer, moment).await?, "a ticket that is over was replaced")?;
    ensure(tickets.take(key(1), moment).await?.is_none(), "a ticket that is over was taken")?;
    put(tickets, &ticket(2, 1, 60)).await?;
    ensure(tickets.take(key(2), before).await?.is_some(), "a ticket could not be taken in time")?;
    ensure(tickets.put(ticket(3, 1, -5), at(0)).await?, "a ticket that is over already was not stored")?;
    is_absent(tickets, 3, at(0), "a ticket was found that was over when it was put").await
}

async fn first_revision(tickets: &dyn Tickets) -> Verdict {
    for revision in [0, 2, u32::MAX] {
        let wrong = StoredTicket { revision, ..ticket(1, 1, HOUR) };
        ensure(!tickets.put(wrong, at(0)).await?, "a new ticket was stored at another revision than 1")?;
    }
    is_absent(tickets, 1, at(0), "a ticket was stored at another revision than 1").await
}

async fn take_once(tickets: &dyn Tickets) -> Verdict {
    let (one, two) = (ticket(1, 1, HOUR), ticket(2, 1, HOUR));
    put(tickets, &one).await?;
    put(tickets, &two).await?;
    ensure(tickets.take(key(1), at(0)).await?.as_ref() == Some(&one), "what was taken is not what was put")?;
    ensure(tickets.take(key(1), at(0)).await?.is_none(), "a ticket was taken twice")?;
    is_absent(tickets, 1, at(0), "a ticket that was taken was found").await?;
    is_there(tickets, &two, at(0), "another ticket went with it").await?;
    put(tickets, &one).await
}

async fn take_race(tickets: &dyn Tickets) -> Verdict {
    for round in 1..=4 {
        put(tickets, &ticket(round, 1, HOUR)).await?;
        let answers = all((0..32).map(|_| tickets.take(key(round), at(0))).collect()).await;
        let answers: Vec<Option<StoredTicket>> = answers.into_iter().collect::<Result<_, _>>()?;
        same(&answers.into_iter().flatten().count(), &1, "callers who got it")?;
    }
    Ok(())
}

async fn put_race(tickets: &dyn Tickets) -> Verdict {
    let rival = |number: u8| StoredTicket { sealed: vec![number], ..ticket(1, 1, HOUR) };
    // The second round is over the expired ticket of the first.
    for now in [at(0), at(HOUR)] {
        let late = |number| StoredTicket { expires: now.plus_seconds(HOUR), ..rival(number) };
        let answers = all((0..32).map(|number| tickets.put(late(number), now)).collect()).await;
        same(&yes(answers)?, &1, "callers who stored it")?;
    }
    Ok(())
}

async fn replace(tickets: &dyn Tickets) -> Verdict {
    let first = ticket(1, 1, 60);
    ensure(!tickets.replace(after(&first), at(0)).await?, "a ticket that is not there was replaced")?;
    put(tickets, &first).await?;
    for revision in [0, 1, 3, u32::MAX] {
        let wrong = StoredTicket { revision, ..after(&first) };
        ensure(!tickets.replace(wrong, at(0)).await?, "a ticket was replaced from another revision")?;
    }
    let second = StoredTicket { owner: owner(2), tenant: THEIRS, expires: at(HOUR), ..after(&first) };
    ensure(tickets.replace(second.clone(), at(59)).await?, "a ticket was not replaced")?;
    is_there(tickets, &second, at(60), "a replaced ticket does not read back as it was written").await?;
    ensure(!tickets.replace(second.clone(), at(60)).await?, "a revision was written twice")?;
    ensure(tickets.replace(after(&second), at(60)).await?, "the third revision was not written")?;
    is_absent(tickets, 2, at(60), "replacing made another ticket").await
}

async fn replace_race(tickets: &dyn Tickets) -> Verdict {
    let mut current = ticket(1, 1, HOUR);
    put(tickets, &current).await?;
    for _ in 0..4 {
        let next = after(&current);
        let answers = all((0..32).map(|_| tickets.replace(next.clone(), at(0))).collect()).await;
        same(&yes(answers)?, &1, "callers who replaced it")?;
        current = next;
    }
    is_there(tickets, &current, at(0), "the last revision is not the one that won").await
}

async fn of_owner(tickets: &dyn Tickets) -> Verdict {
    for (number, expires) in [(1, 30), (2, 10), (3, 50), (4, 20), (5, 40)] {
        put(tickets, &ticket(number, 1, expires)).await?;
    }
    put(tickets, &ticket(6, 2, 5)).await?;
    for (now, limit, expected) in
        [(0, 10, vec![2, 4, 1, 5, 3]), (0, 2, vec![2, 4]), (20, 10, vec![1, 5, 3]), (50, 10, vec![]), (0, 0, vec![])]
    {
        same(&numbers(&tickets.of_owner(owner(1), at(now), limit).await?), &expected, "tickets of an owner")?;
    }
    ensure(tickets.of_owner(owner(3), at(0), 10).await?.is_empty(), "somebody without tickets has some")?;
    let listed = tickets.of_owner(owner(2), at(0), 10).await?;
    ensure(listed == [ticket(6, 2, 5)], "a listed ticket does not read back as it was put")
}

async fn given_away(tickets: &dyn Tickets) -> Verdict {
    let (one, two) = (ticket(1, 1, 100), ticket(2, 1, 200));
    put(tickets, &one).await?;
    put(tickets, &two).await?;
    ensure(tickets.replace(StoredTicket { expires: at(300), ..after(&one) }, at(0)).await?, "not prolonged")?;
    same(&numbers(&tickets.of_owner(owner(1), at(0), 10).await?), &vec![2, 1], "tickets after one was prolonged")?;
    ensure(tickets.replace(StoredTicket { owner: owner(2), ..after(&two) }, at(0)).await?, "not given away")?;
    same(&numbers(&tickets.of_owner(owner(1), at(0), 10).await?), &vec![1], "tickets of who gave it away")?;
    same(&numbers(&tickets.of_owner(owner(2), at(0), 10).await?), &vec![2], "tickets of who got it")?;
    same(&tickets.remove_all(owner(1)).await?, &1, "removed of who gave it away")
}

async fn remove_all(tickets: &dyn Tickets) -> Verdict {
    for number in 1..=20 {
        put(tickets, &ticket(number, number.wrapping_rem(2), HOUR)).await?;
    }
    same(&tickets.remove_all(owner(1)).await?, &10, "removed")?;
    same(&tickets.remove_all(owner(1)).await?, &0, "removed the second time")?;
    ensure(tickets.of_owner(owner(1), at(0), 100).await?.is_empty(), "tickets are left")?;
    is_absent(tickets, 1, at(0), "a removed ticket was found").await?;
    same(&tickets.of_owner(owner(0), at(0), 100).await?.len(), &10, "tickets of another owner")
}

async fn tenants(tickets: &dyn Tickets) -> Verdict {
    let (ours, theirs) = (ticket(1, 1, HOUR), StoredTicket { tenant: THEIRS, ..ticket(2, 2, HOUR) });
    put(tickets, &ours).await?;
    put(tickets, &theirs).await?;
    ensure(tickets.of_owner(owner(1), at(0), 10).await? == [ours.clone()], "an owner lists another tenant's ticket")?;
    ensure(tickets.of_owner(owner(2), at(0), 10).await? == [theirs.clone()], "an owner lists another tenant's ticket")?;
    same(&tickets.remove_all(owner(1)).await?, &1, "removed")?;
    ensure(tickets.take(key(1), at(0)).await?.is_none(), "a removed ticket was taken")?;
    ensure(tickets.take(key(2), at(0)).await? == Some(theirs), "the other tenant's ticket did not stay as it was")
}

async fn sweep(tickets: &dyn Tickets) -> Verdict {
    for number in 1..=9 {
        put(tickets, &ticket(number, 1, i64::try_from(number).unwrap_or(0))).await?;
    }
    same(&tickets.sweep(at(0), 10).await?, &0, "swept before anything is over")?;
    same(&tickets.sweep(at(6), 4).await?, &4, "swept up to the limit")?;
    same(&tickets.sweep(at(6), 4).await?, &2, "swept of the rest")?;
    same(&tickets.sweep(at(6), 4).await?, &0, "swept when nothing is left")?;
    same(&numbers(&tickets.of_owner(owner(1), at(0), 10).await?), &vec![7, 8, 9], "tickets that are not over")?;
    same(&tickets.sweep(at(HOUR), 0).await?, &0, "swept with no limit left")?;
    same(&tickets.remove_all(owner(1)).await?, &3, "tickets left to remove")
}

async fn dropped(tickets: &dyn Tickets) -> Verdict {
    for number in 1..=5 {
        put(tickets, &ticket(number, 1, HOUR)).await?;
        let mut took = tickets.take(key(number), at(0));
        let _ = took.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        drop(took);
        let mut put = tickets.put(ticket(number.wrapping_add(10), 1, HOUR), at(0));
        let _ = put.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        drop(put);
    }
    put(tickets, &ticket(20, 2, HOUR)).await?;
    ensure(tickets.take(key(20), at(0)).await?.is_some(), "a ticket put afterwards could not be taken")
}

async fn many(tickets: &dyn Tickets) -> Verdict {
    let answers = all((0..300).map(|number| tickets.put(ticket(number, 1, HOUR), at(0))).collect()).await;
    same(&yes(answers)?, &300, "stored")?;
    // Every third is taken while all are replaced: both cannot have it as it was.
    let thirds: Vec<u64> = (0..300).step_by(3).collect();
    let next = |number| after(&ticket(number, 1, HOUR));
    let replaced = all((0..300).map(|number| tickets.replace(next(number), at(0))).collect());
    let taken = all(thirds.iter().map(|number| tickets.take(key(*number), at(0))).collect());
    let (replaced, taken) = (yes(replaced.await)?, taken.await);
    let taken: Vec<Option<StoredTicket>> = taken.into_iter().collect::<Result<_, _>>()?;
    ensure(replaced >= 200, "a ticket that nobody took was not replaced")?;
    let whose = taken.iter().zip(&thirds);
    let right = whose.filter(|(ticket, number)| ticket.as_ref().is_some_and(|ticket| ticket.key == key(**number)));
    same(&right.count(), &100, "tickets taken by who asked for them")?;
    same(&tickets.remove_all(owner(1)).await?, &200, "left")
}
