//! Each page as it is rendered, with content that tries to break out of it: markup, quotes, letters from right to left, endless names.

use super::*;
use crate::clinical::{Heading, Patient, Report};
use domain::id::RecordId;
use domain::kind::Kind;
use domain::retrieval::Resource;
use domain::time::Timestamp;

const TRICKY: &str = r#"<script>alert("1")</script>' onload=x"#;
const RTL: &str = "שלום \u{202e} محمد";

fn frame() -> Frame {
    Frame {
        stylesheet: "sealgate.css",
        script: None,
        person: Some(PersonBar {
            display: TRICKY.to_owned(),
            organization: RTL.to_owned(),
            reads: true,
            reviews: true,
            token: "token".to_owned(),
        }),
        glass: Some(GlassBar { patient: "patient".to_owned(), minutes: 1, token: "token".to_owned() }),
        turn: Some(Turn { seconds: 840, to: "/session-ending?return=%2Fpatients".to_owned() }),
        here: Here::Patients,
        reference: "reference".to_owned(),
    }
}

fn plain() -> Frame {
    Frame { stylesheet: "sealgate.css", ..Frame::plain("reference".to_owned()) }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

fn patient() -> Patient {
    let long = "Wolfeschlegelsteinhausenbergerdorff".repeat(4);
    Patient::read(
        RecordId([1; 16]),
        &format!(
            r#"{{"name":[{{"family":{},"given":[{},{}]}}],"birthDate":"1970-01-31","gender":"female","identifier":[{{"value":{}}}]}}"#,
            quoted(TRICKY),
            quoted(RTL),
            quoted(&long),
            quoted("\"><b>M1")
        ),
    )
}

fn report(status: &str) -> (Resource, Vec<Resource>) {
    let resource =
        |kind, id, content| Resource { kind, id: RecordId([id; 16]), version: 2, last_updated: Timestamp(0), content };
    let observation = format!(
        r#"{{"status":"corrected","code":{{"text":{}}},"valueQuantity":{{"value":9.80,"unit":{}}},"interpretation":[{{"coding":[{{"code":"HH"}}]}},{{"coding":[{{"code":"x"}}],"text":{}}}],"referenceRange":[{{"text":"<5 & >1"}}],"note":[{{"text":"line one\nline two"}}]}}"#,
        quoted(TRICKY),
        quoted("<b>"),
        quoted(RTL)
    );
    let id = RecordId([2; 16]);
    let content = format!(
        r#"{{"status":"{status}","code":{{"text":{}}},"conclusion":{},"result":[{{"reference":"Observation/{id}"}},{{"reference":"Observation/{}"}}],"presentedForm":[{{"title":{},"data":"AAAA"}}],"performer":[{{"display":{}}}]}}"#,
        quoted(TRICKY),
        quoted(RTL),
        RecordId([9; 16]),
        quoted(TRICKY),
        quoted(RTL)
    );
    (resource(Kind::DiagnosticReport, 1, content), vec![resource(Kind::Observation, 2, observation)])
}

/// Holds a page to what every page must be, and to its snapshot.
fn hold(name: &str, page: &impl Template) {
    let html = render(page).unwrap();
    let html = html.replace(r#"<script src="/assets/sealgate-keys.js" defer></script>"#, "");
    for never in ["<script", " onload", " style=", "javascript:", "<b>"] {
        // What came from outside is there as text, with its angle brackets escaped.
        let escaped = html.replace("&#60;/script&#62;&#39; onload=x", "");
        assert!(!escaped.contains(never), "{name}: {never}");
    }
    assert_eq!(html.matches("<h1>").count(), 1, "{name} has one heading of the first rank");
    assert!(
        html.contains("<html lang=\"en\">") && html.contains("<title>") && html.contains("<main id=\"main\""),
        "{name}"
    );
    for rest in html.split("<input id=\"").skip(1) {
        let id = rest.split('"').next().unwrap();
        assert!(html.contains(&format!("<label for=\"{id}\">")), "{name}: {id} has a label");
    }
    let lines: Vec<&str> = html.lines().filter(|line| !line.trim().is_empty()).collect();
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, lines.join("\n"));
    });
}

fn key_form(action: &str, way: &'static str) -> KeyForm {
    let options = format!(r#"{{"publicKey":{{"challenge":"AAAA","user":{{"name":{}}}}}}}"#, quoted(TRICKY));
    KeyForm { action: action.to_owned(), token: "token".to_owned(), way, options }
}

fn errors() -> Errors {
    let mut errors = Errors::one("identifier", "Enter the patient's number.");
    errors.add("born", "Enter the birth date.");
    errors
}

#[test]
fn pages_of_signing_in() {
    hold(
        "discover",
        &DiscoverPage {
            frame: plain(),
            errors: Errors::one("organization", "Enter the name."),
            token: "token".to_owned(),
            action: "/sign-in?return=%2Fpatients".to_owned(),
            value: TRICKY.to_owned(),
        },
    );
    hold(
        "sign_in",
        &SignInPage {
            frame: plain(),
            errors: Errors::default(),
            token: "token".to_owned(),
            action: "/sign-in/t/password".to_owned(),
            organization: RTL.to_owned(),
            ways: vec![Way { name: TRICKY.to_owned(), href: "/sign-in/t/with/c".to_owned() }],
            local: true,
            again: true,
            typed: TRICKY.to_owned(),
        },
    );
    for (name, recovery, elsewhere) in
        [("code", false, false), ("recovery", true, false), ("recovery_elsewhere", true, true)]
    {
        hold(
            name,
            &CodePage {
                frame: plain(),
                errors: Errors::one("code", "This code is not right."),
                token: "token".to_owned(),
                title: "Your code",
                action: "/sign-in/t/code".to_owned(),
                recovery,
                code: true,
                elsewhere,
                key: None,
                other: "/sign-in/t/recovery".to_owned(),
                back: "/sign-in/t".to_owned(),
            },
        );
    }
    hold(
        "enrol",
        &EnrolPage {
            frame: plain(),
            errors: Errors::default(),
            token: "token".to_owned(),
            action: "/sign-in/t/enrol".to_owned(),
            picture: crate::qr::svg("x").unwrap(),
            secret: "ABCD EFGH".to_owned(),
            key: Some(key_form("/sign-in/t/enrol-key", "create")),
            name: TRICKY.to_owned(),
        },
    );
    for code in [false, true] {
        let key = key_form("/sign-in/t/key", "get");
        hold(
            if code { "code_or_key" } else { "key" },
            &CodePage {
                frame: Frame { script: Some("sealgate-keys.js"), ..plain() },
                errors: Errors::one("security-key", "The key was not accepted."),
                token: "token".to_owned(),
                title: "Your security key",
                action: "/sign-in/t/code".to_owned(),
                recovery: false,
                code,
                elsewhere: false,
                key: Some(key),
                other: "/sign-in/t/recovery".to_owned(),
                back: "/sign-in/t".to_owned(),
            },
        );
    }
    let onward = "/".to_owned();
    hold("recovery_codes", &RecoveryCodesPage { frame: plain(), codes: vec!["AAAA-BBBB".to_owned()], onward });
    hold(
        "invitation",
        &InvitationPage {
            frame: plain(),
            errors: Errors::one("again", "The two are not the same."),
            token: "token".to_owned(),
            action: "/invitation/s".to_owned(),
        },
    );
}

#[test]
fn pages_of_the_account_and_of_problems() {
    let session = |own| SessionLine {
        id: "id".to_owned(),
        own,
        started: "1 Jan 2026, 00:00 (UTC)".to_owned(),
        seen: "1 Jan 2026, 00:10 (UTC)".to_owned(),
        address: "192.0.2.7".to_owned(),
    };
    hold(
        "account",
        &AccountPage {
            frame: frame(),
            token: "token".to_owned(),
            said: "That session has ended.",
            display: TRICKY.to_owned(),
            organization: RTL.to_owned(),
            way: TRICKY.to_owned(),
            roles: "Provider".to_owned(),
            clinics: "all".to_owned(),
            second_factor: true,
            credentials: Some(Credentials {
                authenticator: true,
                keys: 2,
                new_key: Some(NewKey { name: TRICKY.to_owned(), added: "1 Jan 2026, 12:00 (UTC)".to_owned() }),
                keys_offered: true,
                second_factor: true,
                codes: 9,
            }),
            idle_minutes: 15,
            ends: "1 Jan 2026, 12:00 (UTC)".to_owned(),
            sessions: vec![session(true), session(false)],
            others: true,
        },
    );
    hold(
        "notice",
        &NoticePage {
            frame: Frame {
                turn: Some(Turn { seconds: 0, to: "https://idp.example/?a=1&b=\"'<".to_owned() }),
                ..plain()
            },
            title: "You are signed out here",
            paragraphs: vec!["One."],
            onward: "https://idp.example/?a=1&b=\"'<".to_owned(),
            onward_words: "Go on",
        },
    );
    for problem in [Problem::NotFound, Problem::Denied, Problem::NotAdmitted] {
        hold(
            &format!("problem_{}_{problem:?}", problem.status().as_u16()),
            &ProblemPage {
                frame: frame(),
                words: problem.words(),
                offer: Some("/break-glass".to_owned()),
                onward: "/".to_owned(),
                onward_words: "Start page",
            },
        );
    }
}

#[test]
fn clinical_pages() {
    hold(
        "find_patient",
        &FindPatientPage {
            frame: frame(),
            errors: errors(),
            token: "token".to_owned(),
            identifier: TRICKY.to_owned(),
            family: RTL.to_owned(),
            born: String::new(),
        },
    );
    let next = Some("/patients/found?at=x".to_owned());
    hold("found_patients", &FoundPatientsPage { frame: frame(), patients: vec![patient()], next, glass: true });
    hold("found_nobody", &FoundPatientsPage { frame: frame(), patients: Vec::new(), next: None, glass: true });
    let (resource, beside) = report("preliminary");
    hold(
        "patient",
        &PatientPage {
            frame: frame(),
            patient: patient(),
            reports: vec![Heading::read(&resource)],
            next: None,
            later: true,
            glass: true,
            applications: Vec::new(),
            token: "token".to_owned(),
        },
    );
    hold(
        "report",
        &ReportPage {
            frame: frame(),
            patient: Some(patient()),
            report: Report::read(&resource, &beside),
            old: false,
            documents_at: "/reports/r/documents".to_owned(),
            documents_stay: false,
        },
    );
    let (resource, _) = report("entered-in-error");
    hold(
        "report_old",
        &ReportPage {
            frame: frame(),
            patient: None,
            report: Report::read(&resource, &[]),
            old: true,
            documents_at: "/reports/r/versions/1/documents".to_owned(),
            documents_stay: true,
        },
    );
    let line = VersionLine { heading: Heading::read(&resource), current: true, href: "/reports/r".to_owned() };
    hold(
        "history",
        &HistoryPage {
            frame: frame(),
            patient: Some(patient()),
            report: "r".to_owned(),
            name: TRICKY.to_owned(),
            versions: vec![line],
            next: None,
        },
    );
    const REASONS: &[Reason] = &[Reason { code: "A", words: "First" }, Reason { code: "B", words: "Second" }];
    for chosen in ["", "id"] {
        hold(
            if chosen.is_empty() { "break_glass" } else { "break_glass_chosen" },
            &BreakGlassPage {
                frame: frame(),
                errors: errors(),
                token: "token".to_owned(),
                patient: None,
                chosen: chosen.to_owned(),
                identifier: TRICKY.to_owned(),
                born: String::new(),
                reasons: REASONS,
                reason: "B".to_owned(),
                words: TRICKY.to_owned(),
                minutes: 60,
            },
        );
    }
}

#[test]
fn pages_of_reviews() {
    let line = |told, overdue| ReviewLine {
        id: "id".to_owned(),
        broken: "1 Jan 2026, 00:00 (UTC)".to_owned(),
        due: "4 Jan 2026, 00:00 (UTC)".to_owned(),
        overdue,
        told,
    };
    let told =
        |verdict| Some(ReviewTold { display: TRICKY.to_owned(), reason: "Emergency treatment".to_owned(), verdict });
    let reviews = vec![
        line(told(None), true),
        line(told(None), false),
        line(told(Some("Justified")), false),
        line(None, true),
        line(None, false),
    ];
    hold("reviews", &ReviewsPage { frame: frame(), reviews, all: true, hours: 72 });
    hold("reviews_none", &ReviewsPage { frame: frame(), reviews: Vec::new(), all: false, hours: 72 });
    let act = |behind_glass, done| ActLine {
        what: "Opened DiagnosticReport".to_owned(),
        named: vec!["DiagnosticReport/report".to_owned()],
        further: 3,
        at: "2026-01-01T00:00:01.000Z".to_owned(),
        entry: 7,
        behind_glass,
        patient: false,
        done,
        outcome: "denied".to_owned(),
    };
    let page = || ReviewPage {
        frame: frame(),
        errors: Errors::default(),
        token: "token".to_owned(),
        id: "id".to_owned(),
        display: TRICKY.to_owned(),
        person: "person".to_owned(),
        broken: "1 Jan 2026, 00:00 (UTC)".to_owned(),
        ended: "1 Jan 2026, 01:00 (UTC), by time".to_owned(),
        reason: "Emergency treatment".to_owned(),
        words: RTL.to_owned(),
        patient: "patient".to_owned(),
        opens: false,
        due: "4 Jan 2026, 00:00 (UTC)".to_owned(),
        overdue: true,
        correlation: "correlation".to_owned(),
        acts: vec![act(true, true), act(false, true), act(false, false)],
        more: true,
        own: false,
        judged: None,
        verdict: "not-justified".to_owned(),
        note: TRICKY.to_owned(),
    };
    let mut errors = Errors::one("verdict", "Say whether it was justified.");
    errors.add("note", "Write at most 2,000 characters.");
    hold("review", &ReviewPage { errors, ..page() });
    hold("review_own", &ReviewPage { own: true, acts: Vec::new(), overdue: false, ..page() });
    let judged = Judged {
        words: "Not justified",
        good: false,
        by: TRICKY.to_owned(),
        at: "2 Jan 2026, 00:00 (UTC)".to_owned(),
        note: RTL.to_owned(),
    };
    let unreadable = |errors| UnreadablePage {
        frame: frame(),
        errors,
        token: "token".to_owned(),
        id: "id".to_owned(),
        note: TRICKY.to_owned(),
    };
    hold("review_unreadable", &unreadable(Errors::default()));
    hold("review_unreadable_error", &unreadable(Errors::one("note", "Say in at least ten characters what was found.")));
    hold("review_closed", &ReviewPage { judged: Some(judged), opens: true, ..page() });
}

#[test]
fn pages_of_credentials() {
    let mut errors = Errors::one("old", "This is not the password you have now.");
    errors.add("again", "The two are not the same.");
    hold("password", &PasswordPage { frame: frame(), errors, token: "token".to_owned() });
    hold(
        "authenticator",
        &AuthenticatorPage {
            frame: frame(),
            errors: Errors::one("code", "This code is not right."),
            token: "token".to_owned(),
            picture: crate::qr::svg("x").unwrap(),
            secret: "ABCD EFGH".to_owned(),
        },
    );
    for left in [0, 1, 9] {
        hold(&format!("draw_codes_{left}"), &DrawCodesPage { frame: frame(), token: "token".to_owned(), left });
    }
    let line = |id: &str, name: &str| KeyLine {
        id: id.to_owned(),
        name: name.to_owned(),
        added: "1 Jan 2026, 12:00 (UTC)".to_owned(),
        elsewhere: false,
        removable: true,
    };
    let page = |keys: Vec<KeyLine>| SecurityKeysPage {
        frame: frame(),
        errors: Errors::default(),
        token: "token".to_owned(),
        said: "The key was added.",
        only: keys.len() == 1,
        keys,
        key: Some(key_form("/account/keys", "create")),
        full: false,
        name: TRICKY.to_owned(),
    };
    hold("security_keys", &page(vec![line("one", TRICKY), line("two", RTL)]));
    hold("security_keys_only_one", &page(vec![KeyLine { removable: false, ..line("one", RTL) }]));
    hold("security_keys_elsewhere", &page(vec![line("one", RTL), KeyLine { elsewhere: true, ..line("two", TRICKY) }]));
    let errors = Errors::one("security-key", "The key was not accepted.");
    hold("security_keys_error", &SecurityKeysPage { errors, said: "", ..page(Vec::new()) });
    hold("security_keys_full", &SecurityKeysPage { key: None, full: true, ..page(vec![line("one", RTL)]) });
    hold("security_keys_nowhere", &SecurityKeysPage { key: None, ..page(Vec::new()) });
}
