//! Pages of those who review what was broken in emergencies.

use super::{Errors, Frame, Here};
use askama::Template;

/// The queue.
#[derive(Template)]
#[template(path = "reviews.html")]
pub(crate) struct ReviewsPage {
    pub(crate) frame: Frame,
    pub(crate) reviews: Vec<ReviewLine>,
    /// Whether closed ones are listed too.
    pub(crate) all: bool,
    /// Within how many hours a review is due.
    pub(crate) hours: u32,
}

/// One breaking in the queue.
pub(crate) struct ReviewLine {
    pub(crate) id: String,
    pub(crate) broken: String,
    pub(crate) due: String,
    pub(crate) overdue: bool,
    /// What it says; `None` where it does not open.
    pub(crate) told: Option<ReviewTold>,
}

/// What a breaking in the queue says.
pub(crate) struct ReviewTold {
    pub(crate) display: String,
    pub(crate) reason: String,
    /// How it was judged; `None` while it is open.
    pub(crate) verdict: Option<&'static str>,
}

/// One breaking, what was opened behind it, and its judgement.
#[derive(Template)]
#[template(path = "review.html")]
pub(crate) struct ReviewPage {
    pub(crate) frame: Frame,
    pub(crate) errors: Errors,
    pub(crate) token: String,
    pub(crate) id: String,
    pub(crate) display: String,
    pub(crate) person: String,
    pub(crate) broken: String,
    pub(crate) ended: String,
    pub(crate) reason: String,
    pub(crate) words: String,
    pub(crate) patient: String,
    /// Whether the reviewer may look at patients.
    pub(crate) opens: bool,
    pub(crate) due: String,
    pub(crate) overdue: bool,
    pub(crate) correlation: String,
    pub(crate) acts: Vec<ActLine>,
    /// Whether there are more acts than are shown.
    pub(crate) more: bool,
    /// Whether the reviewer broke it.
    pub(crate) own: bool,
    pub(crate) judged: Option<Judged>,
    pub(crate) verdict: String,
    pub(crate) note: String,
}

/// One that does not open, and its closing.
#[derive(Template)]
#[template(path = "review_unreadable.html")]
pub(crate) struct UnreadablePage {
    pub(crate) frame: Frame,
    pub(crate) errors: Errors,
    pub(crate) token: String,
    pub(crate) id: String,
    pub(crate) note: String,
}

/// One act.
pub(crate) struct ActLine {
    /// Verb and kind.
    pub(crate) what: String,
    /// What was given, as `Kind/id`.
    pub(crate) named: Vec<String>,
    /// How much more.
    pub(crate) further: usize,
    pub(crate) at: String,
    /// The number of its entry.
    pub(crate) entry: u64,
    /// Whether it was done in the session for which the glass was broken.
    pub(crate) behind_glass: bool,
    /// Whether it gave the very patient.
    pub(crate) patient: bool,
    pub(crate) done: bool,
    pub(crate) outcome: String,
}

/// The judgement.
pub(crate) struct Judged {
    pub(crate) words: &'static str,
    pub(crate) good: bool,
    pub(crate) by: String,
    pub(crate) at: String,
    pub(crate) note: String,
}
