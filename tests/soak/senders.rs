//! Laboratories: new results, corrections of earlier ones, and repeats of the same bytes where no answer came.

use crate::Soak;
use crate::chance::Chance;
use crate::findings::Promise;
use crate::truth::{Message, control_id};
use crate::whereabouts::At;
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use tests::gateway::{PATIENCE, pause};
use tests::mllp::{Sender, code};

/// Connections that send.
pub(crate) const LANES: u32 = 4;
/// Patients that results come for at a time; they come and go, so that nobody's results grow without end.
const WARD: u64 = 40;
/// New orders of all lanes, about, after which one patient has gone and another come.
const TURNOVER: u64 = 10;
/// Messages that a lane remembers, to correct and to repeat them.
const REMEMBERED: usize = 50;
/// Of a hundred messages: corrections.
const CORRECTIONS: u64 = 15;
/// Of a hundred messages: repeats of one that was acknowledged long ago.
const REPEATS: u64 = 5;
/// Of a hundred messages: those whose sender hangs up before the answer, and sends them again.
const HANG_UPS: u64 = 2;
/// How long a sender waits after it got no answer.
const RETRY: Duration = Duration::from_millis(50);
/// How often a sender tries again when the load is over.
const LAST_TRIES: u32 = 40;

/// Sends over one connection at a time until the load is over.
pub(crate) fn send(soak: &Soak, lane: u32) {
    let mut lane = Lane {
        soak,
        chance: Chance::of(soak.options.seed, "lane", u64::from(lane)),
        number: 0,
        remembered: VecDeque::with_capacity(REMEMBERED),
        open: None,
    };
    let between = Duration::from_secs(u64::from(LANES)) / soak.options.rate;
    let mut due = Instant::now();
    while soak.whereabouts.wait().is_some() {
        lane.next();
        // What a restart held up is sent afterwards a little faster, as by an engine with a queue, but not all at once.
        due = (due + lane.chance.about(between)).max(Instant::now());
        pause(due.saturating_duration_since(Instant::now()));
    }
}

struct Lane<'a> {
    soak: &'a Soak,
    chance: Chance,
    number: u64,
    remembered: VecDeque<Message>,
    open: Option<(At, Sender)>,
}

impl Lane<'_> {
    fn next(&mut self) {
        let kind = self.chance.below(100);
        let remembered = self.remembered();
        let message = match remembered {
            Some(message) if kind < CORRECTIONS => self.soak.truth.correct(message.order),
            Some(message) if kind < CORRECTIONS + REPEATS => {
                self.soak.tally.repeated.add(1);
                self.deliver(message, false);
                return;
            }
            _ => None,
        };
        let message = message.unwrap_or_else(|| {
            self.number += 1;
            let window = self.number * u64::from(LANES) / TURNOVER;
            self.soak.truth.begin(window + self.chance.below(WARD))
        });
        let hangs_up = self.chance.percent(HANG_UPS);
        if self.deliver(message, hangs_up) {
            self.soak.truth.acknowledged(message);
            self.soak.tally.acknowledged.add(1);
            if self.remembered.len() == REMEMBERED {
                self.remembered.pop_front();
            }
            self.remembered.push_back(message);
        }
    }

    fn remembered(&mut self) -> Option<Message> {
        let at = self.chance.below(u64::try_from(self.remembered.len()).ok()?);
        self.remembered.get(usize::try_from(at).ok()?).copied()
    }

    /// Sends the same bytes until they are answered; says whether they were accepted.
    fn deliver(&mut self, message: Message, hangs_up: bool) -> bool {
        let bytes = message.render();
        let (mut hangs_up, mut last_tries) = (hangs_up, 0);
        while last_tries < LAST_TRIES {
            last_tries += u32::from(self.soak.whereabouts.is_over());
            let Some(at) = self.soak.whereabouts.now() else {
                self.open = None;
                pause(RETRY);
                continue;
            };
            let asked = Instant::now();
            let answer = self.exchange(at, &bytes, std::mem::take(&mut hangs_up));
            match answer {
                Ok(Some(answer)) => {
                    self.soak.tally.took(asked.elapsed());
                    return self.is_accepted(message, &answer);
                }
                Ok(None) => {}
                Err(why) => {
                    self.open = None;
                    if self.soak.whereabouts.owes(at) {
                        let name = control_id(message);
                        self.soak
                            .findings
                            .broken(Promise::Answered, format!("message {name}, process {}: {why}", at.pid));
                    }
                    pause(RETRY);
                }
            }
            self.soak.tally.repeated.add(1);
        }
        false
    }

    /// Sends a frame, and returns the answer unless this sender hangs up.
    fn exchange(&mut self, at: At, bytes: &[u8], hangs_up: bool) -> std::io::Result<Option<Vec<u8>>> {
        let kept = self.open.take().filter(|(then, _)| *then == at);
        let (_, sender) = match kept {
            Some(open) => self.open.insert(open),
            None => self.open.insert((at, Sender::connect(at.mllp, PATIENCE)?)),
        };
        if hangs_up {
            sender.send(bytes)?;
            self.open = None;
            return Ok(None);
        }
        sender.exchange(bytes).map(Some)
    }

    fn is_accepted(&self, message: Message, answer: &[u8]) -> bool {
        let name = control_id(message);
        let text = String::from_utf8_lossy(answer);
        let is_for_it = text.split('\r').any(|segment| {
            let mut fields = segment.split('|');
            fields.next() == Some("MSA") && fields.nth(1) == Some(&name)
        });
        let accepted = code(answer) == "AA" && is_for_it;
        if !accepted {
            self.soak.findings.broken(Promise::Acknowledged, format!("message {name}: {}", text.replace('\r', " ")));
        }
        accepted
    }
}
