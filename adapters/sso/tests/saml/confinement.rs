//! The helper process: what it cannot do, and what becomes of one that takes too much.

use crate::house::{Case, case, run};
use crate::provider::{ENVELOPED, EXC, Form, sign, transform};
use sso::saml::verify::{ARGUMENT, HELPERS, MAX_WAITING, confine, serve};
use sso::saml::{Refusal, Verifier};
use std::ffi::OsString;
use std::net::{TcpListener, TcpStream};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::Instant;

/// Plays a part of the helper's when this program was started for that.
pub(crate) fn play(role: &str) -> Option<ExitCode> {
    match role {
        ARGUMENT => Some(ended(serve().is_ok())),
        "saml-verify-then-take-memory" => Some(ended(take_memory())),
        "saml-verify-never" => loop {
            std::thread::park();
        },
        "saml-verify-try-everything" => Some(try_everything()),
        _ => None,
    }
}

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("confinement::what_is_given_up_is_gone", |_| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.arg("saml-verify-try-everything").env("PORT", listener.local_addr().unwrap().port().to_string());
            assert_eq!(command.status().unwrap().code(), Some(0), "the bits say which of the attempts succeeded");
        }),
        case("confinement::a_document_that_takes_processor_time_is_ended", |house| {
            let site = house.site();
            let pending = site.begin();
            let mut says = site.says(&pending);
            says.attributes =
                format!("<saml:AttributeStatement>{}</saml:AttributeStatement>", "<saml:x></saml:x>".repeat(3_000));
            let path = "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"><ds:XPath>\
                        count(//*[count(//*[count(//*) > 1]) > 1]) > 1</ds:XPath></ds:Transform>";
            let transforms = vec![transform(ENVELOPED), path.to_owned(), transform(EXC)];
            let document = says.response(&sign(&says.assertion(), &house.idp, &Form { transforms, ..Form::default() }));
            let started = Instant::now();
            let asked = run(site.provider.verifier.verify(&document, &[house.idp.certificate.to_der().unwrap()]));
            assert_eq!(asked, Err(Refusal::Helper));
            assert!(started.elapsed().as_millis() < 4_000);
        }),
        case("confinement::a_helper_that_takes_memory_is_ended", |_| {
            assert_eq!(ask(&["saml-verify-then-take-memory", "300"]), Err(Refusal::Helper));
            // Beneath the limit it gets what it asks for, and answers.
            let taken =
                Command::new(std::env::current_exe().unwrap()).args(["saml-verify-then-take-memory", "100"]).status();
            assert!(taken.unwrap().success());
        }),
        case("confinement::a_helper_that_never_answers_is_ended", |_| {
            let started = Instant::now();
            assert_eq!(ask(&["saml-verify-never"]), Err(Refusal::Helper));
            assert!(started.elapsed().as_millis() < 4_500);
        }),
        case("confinement::a_program_that_is_no_helper_is_no_answer", |_| {
            let program = |path: &str| Verifier::new(path.into(), Vec::new());
            assert_eq!(run(program("/bin/cat").verify("<a/>", &[])), Err(Refusal::Helper));
            assert_eq!(run(program("/bin/false").verify("<a/>", &[])), Err(Refusal::Helper));
            assert_eq!(run(program("/nonexistent").verify("<a/>", &[])), Err(Refusal::Helper));
        }),
        case("confinement::who_would_wait_too_long_is_refused_at_once", |_| {
            let never = vec![OsString::from("saml-verify-never")];
            let verifier = Arc::new(Verifier::new(std::env::current_exe().unwrap(), never));
            run(async {
                for _ in 0..HELPERS + MAX_WAITING {
                    let verifier = Arc::clone(&verifier);
                    tokio::spawn(async move { verifier.verify("<a/>", &[]).await });
                }
                tokio::task::yield_now().await;
                let started = Instant::now();
                assert_eq!(verifier.verify("<a/>", &[]).await, Err(Refusal::Busy));
                assert!(started.elapsed().as_millis() < 1_000);
            });
        }),
        case("confinement::without_certificates_nothing_is_verified", |house| {
            let site = house.site();
            let pending = site.begin();
            let says = site.says(&pending);
            let document = says.response(&sign(&says.assertion(), &house.idp, &Form::default()));
            assert_eq!(run(site.provider.verifier.verify(&document, &[])), Err(Refusal::Signature));
            let certificate = house.idp.certificate.to_der().unwrap();
            let signed = run(site.provider.verifier.verify(&document, &[certificate])).unwrap();
            assert!(signed.contains("alice") && !signed.contains("samlp:Status"), "what is not signed is gone");
        }),
    ]
}

fn ask(arguments: &[&str]) -> Result<String, Refusal> {
    let arguments = arguments.iter().map(OsString::from).collect();
    run(Verifier::new(std::env::current_exe().unwrap(), arguments).verify("<a/>", &[]))
}

fn ended(well: bool) -> ExitCode {
    if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Takes as many MiB as the second argument says, and uses them.
fn take_memory() -> bool {
    let mebibytes: usize = std::env::args().nth(2).unwrap().parse().unwrap();
    let enforced = confine();
    let taken = vec![1_u8; mebibytes << 20];
    enforced.all() && std::hint::black_box(taken).last() == Some(&1)
}

/// Tries what the helper must not be able to do; the exit code says what succeeded.
fn try_everything() -> ExitCode {
    let port: u16 = std::env::var("PORT").unwrap().parse().unwrap();
    let enforced = confine();
    let attempts = [
        !enforced.all(),
        std::fs::File::open("/etc/passwd").is_ok(),
        std::fs::write(std::env::temp_dir().join("saml-verify-test"), "x").is_ok(),
        TcpStream::connect(("127.0.0.1", port)).is_ok(),
        std::net::UdpSocket::bind("127.0.0.1:0").is_ok(),
        Command::new("/bin/true").status().is_ok(),
        std::thread::Builder::new().spawn(|| {}).is_ok(),
    ];
    ExitCode::from(attempts.iter().fold(0_u8, |bits, attempt| bits << 1 | u8::from(*attempt)))
}
