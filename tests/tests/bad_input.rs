//! What bad input gets: an answer or a closed socket, kept byte for byte or refused, and a gateway that goes on.
//!
//! The corpus of messages is not part of the project. It is looked for in the folder that `SEALGATE_SHARED` names, or in
//! `shared` beside the project; where it is not, its test shows as ignored.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use domain::access::{Context, Role};
use domain::id::TenantId;
use domain::retrieval::Caller;
use gateway::compose::retrieval;
use gateway::config;
use gateway::installation::Installation;
use libtest_mimic::{Arguments, Trial};
use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tests::gateway::{Gateway, pause};
use tests::home::Home;
use tests::message::Oru;
use tests::mllp::{Sender, code};

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate-under-test");
/// Most memory that any of this may take, in kilobytes.
const MEMORY: u64 = 200 * 1_024;
/// Longest a message without an answer is waited for.
const SILENCE: Duration = Duration::from_millis(600);

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trial = |name: &str, test: fn()| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    };
    let corpus = corpus();
    let reason = if corpus.is_some() {
        ""
    } else {
        " (ignored: no corpus; SEALGATE_SHARED names the folder that holds data/hl7-corpus)"
    };
    let of_corpus = Trial::test(format!("every_message_of_the_corpus_is_kept_byte_for_byte{reason}"), || {
        every_message_of_the_corpus_is_kept_byte_for_byte();
        Ok(())
    });
    let trials = vec![
        of_corpus.with_ignored_flag(corpus.is_none()),
        trial("broken_frames_get_an_answer_or_a_closed_socket", broken_frames_get_an_answer_or_a_closed_socket),
        trial("a_refusal_says_why", a_refusal_says_why),
        trial(
            "a_frame_without_an_end_meets_its_limit_and_its_deadline",
            a_frame_without_an_end_meets_its_limit_and_its_deadline,
        ),
        trial("many_silent_connections_keep_nobody_out", many_silent_connections_keep_nobody_out),
        trial("hostile_requests_get_4xx_with_an_outcome", hostile_requests_get_4xx_with_an_outcome),
        trial("what_is_not_http_is_refused_or_closed", what_is_not_http_is_refused_or_closed),
        trial("a_request_that_trickles_is_cut_off", a_request_that_trickles_is_cut_off),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn corpus() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let shared = std::env::var_os("SEALGATE_SHARED").map_or(beside, PathBuf::from);
    Some(shared.join("data/hl7-corpus")).filter(|folder| folder.is_dir())
}

fn files(folder: &Path, extension: &str) -> Vec<Vec<u8>> {
    let mut found: Vec<PathBuf> = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            match path.is_dir() {
                true => folders.push(path),
                false if path.extension().is_some_and(|ending| ending == extension) => found.push(path),
                false => {}
            }
        }
    }
    found.sort();
    found.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// The gateway still does its job, and has not grown.
fn goes_on(gateway: &Gateway, home: &Home, name: &str) {
    assert_eq!(code(&gateway.mllp().exchange(&Oru::new(name, name, 2).render()).unwrap()), "AA");
    let found = gateway.fhir(home.first()).get(&format!("/DiagnosticReport?identifier={name}")).resources();
    assert_eq!(found.len(), 1);
    let memory = gateway.kilobytes("VmRSS");
    assert!(memory < MEMORY, "the gateway takes {memory} kB");
}

fn every_message_of_the_corpus_is_kept_byte_for_byte() {
    let home = Home::new(PROGRAM);
    let gateway = home.serve();
    let mut sent: BTreeSet<Vec<u8>> = BTreeSet::new();
    let mut sender = gateway.mllp();
    sender.patience(SILENCE).unwrap();
    for message in files(&corpus().unwrap(), "hl7") {
        let whole = !message.contains(&0x0b) && !message.contains(&0x1c) && !message.is_empty();
        let answer = sender.exchange(&message);
        match &answer {
            Ok(answer) => assert!(["AA", "AE", "AR", "CA"].contains(&code(answer).as_str()), "{answer:?}"),
            Err(_) => {
                // Closed or silent, as for an acknowledgement that came the wrong way.
                sender = gateway.mllp();
                sender.patience(SILENCE).unwrap();
            }
        }
        if whole && answer.is_ok() {
            sent.insert(message);
        }
    }
    assert!(sent.len() > 500, "the corpus is large: {}", sent.len());
    goes_on(&gateway, &home, "GOOD1");
    assert_eq!(gateway.terminate().code, Some(0));
    let kept = kept(&home);
    let lost: Vec<String> =
        sent.difference(&kept).map(|message| String::from_utf8_lossy(message).chars().take(90).collect()).collect();
    assert!(lost.is_empty(), "{} of {} are not kept as they came: {lost:#?}", lost.len(), sent.len());
}

/// Every message and frame that the stopped installation keeps, of the first tenant and of nobody.
fn kept(home: &Home) -> BTreeSet<Vec<u8>> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let config = config::read(&home.path("sealgate.toml")).expect("the configuration");
        let installation = Installation::open(&config).await.expect("it opens");
        let retrieval = retrieval(&installation);
        let mut kept = BTreeSet::new();
        for tenant in [home.first().id.parse().unwrap(), TenantId::SYSTEM] {
            let caller = Caller {
                subject: installation.console_subject(tenant, &[Role::Staff]),
                circumstances: Context::console(installation.clock.now()),
                workstation: "test".to_owned(),
                address: "local".to_owned(),
                correlation: installation.correlation(),
                request: "test".to_owned(),
            };
            let Ok(list) = retrieval.messages(&caller, None, 10_000).await else { panic!("messages are listed") };
            for heading in list {
                let Ok(message) = retrieval.message(&caller, heading.id).await else { panic!("a message is shown") };
                kept.insert(message.raw);
            }
        }
        installation.close().await;
        kept
    })
}

fn broken_frames_get_an_answer_or_a_closed_socket() {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../conformance/wire/vectors/mllp");
    let home = Home::new(PROGRAM);
    let gateway = home.serve();
    let frames = files(&vectors, "mllp");
    assert_eq!(frames.len(), 35);
    for frame in frames {
        let mut sender = gateway.mllp();
        sender.patience(Duration::from_secs(10)).unwrap();
        // The peer may close while we still write.
        let _ = sender.write(&frame).and_then(|()| sender.finish());
        let ended = loop {
            match sender.receive() {
                Ok(answer) => assert!(["AA", "AE", "AR"].contains(&code(&answer).as_str()), "{answer:?}"),
                Err(ended) => break ended.kind(),
            }
        };
        assert_ne!(ended, std::io::ErrorKind::WouldBlock, "the connection is closed in the end");
    }
    goes_on(&gateway, &home, "GOOD2");
    assert_eq!(gateway.terminate().code, Some(0));
    home.done(&["audit", "verify"]);
}

fn a_refusal_says_why() {
    let home = Home::new(PROGRAM);
    let gateway = home.serve();
    let good = Oru::new("INBATCH", "INBATCH", 1).render();
    let good = String::from_utf8_lossy(&good);
    for (sent, reason) in [
        (format!("FHS|^~\\&|LIS\rBHS|^~\\&|LIS\r{good}BTS|1\rFTS|1\r"), "batches (FHS, BHS, BTS) are not taken"),
        (format!("BHS|^~\\&|LIS\r{good}"), "batches (FHS, BHS, BTS) are not taken"),
        ("BTS|1\r".to_owned(), "batches (FHS, BHS, BTS) are not taken"),
        ("PID|1\r".to_owned(), "the content does not begin with an MSH segment"),
        ("MSH|\r".to_owned(), "the delimiters in MSH-1 and MSH-2 cannot be used"),
        (good.replacen("ORU^R01^ORU_R01", "ORU^^ORU_R30", 1), "only the event R01 is taken"),
    ] {
        let answer = gateway.mllp().exchange(sent.as_bytes()).unwrap();
        assert_eq!(code(&answer), "AR", "{answer:?}");
        assert!(String::from_utf8_lossy(&answer).contains(reason), "{reason}: {answer:?}");
    }
    let bare = good.replacen("ORU^R01^ORU_R01", "ORU", 1);
    assert_eq!(code(&gateway.mllp().exchange(bare.as_bytes()).unwrap()), "AA");
    assert_eq!(gateway.terminate().code, Some(0));
}

/// An installation whose first listener has small limits.
fn strict() -> Home {
    let home = Home::new(PROGRAM);
    let text = fs::read_to_string(home.path("sealgate.toml")).unwrap();
    let limits = "name = \"main\"\nmax_frame_bytes = 65536\nframe_timeout_seconds = 1\nidle_timeout_seconds = 60\n";
    fs::write(home.path("sealgate.toml"), text.replace("name = \"main\"\n", limits)).unwrap();
    home
}

fn a_frame_without_an_end_meets_its_limit_and_its_deadline() {
    let home = strict();
    let gateway = home.serve();
    let started = Instant::now();
    let mut endless = gateway.mllp();
    let chunk = [b'A'; 65_536];
    let mut written = endless.write(b"\x0bMSH|^~\\&|");
    for _ in 0..1_024 {
        written = written.and_then(|()| endless.write(&chunk));
    }
    assert!(written.is_err() || endless.receive().is_err(), "64 MiB without an end are not waited for");
    let mut slow = gateway.mllp();
    slow.write(b"\x0bMSH|^~\\&|LIS").unwrap();
    assert!(slow.receive().is_err(), "a frame that does not go on is given up");
    assert!(started.elapsed() < Duration::from_secs(20));
    goes_on(&gateway, &home, "GOOD3");
    assert!(gateway.kilobytes("VmHWM") < MEMORY, "it never took more memory");
}

fn many_silent_connections_keep_nobody_out() {
    let home = Home::new(PROGRAM);
    let gateway = home.serve();
    let silent: Vec<Sender> = (0..400).map(|_| gateway.mllp()).collect();
    goes_on(&gateway, &home, "GOOD4");
    drop(silent);
    let half: Vec<Sender> = (0..100)
        .map(|_| {
            let mut sender = gateway.mllp();
            sender.write(b"\x0bMSH|^~\\&|").unwrap();
            sender
        })
        .collect();
    goes_on(&gateway, &home, "GOOD5");
    drop(half);
}

/// Sends bytes on a connection of their own; returns everything that comes until it is closed.
fn raw(address: SocketAddr, bytes: &[u8]) -> String {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
    let _ = socket.write_all(bytes);
    let mut answer = Vec::new();
    let mut chunk = [0; 4_096];
    while let Ok(read @ 1..) = socket.read(&mut chunk) {
        answer.extend_from_slice(chunk.get(..read).unwrap_or_default());
    }
    String::from_utf8_lossy(&answer).into_owned()
}

fn hostile_requests_get_4xx_with_an_outcome() {
    let home = Home::new(PROGRAM);
    let gateway = home.serve();
    let token = home.first().token.clone();
    let request = |line: &str, more: &str| {
        format!("{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\n{more}\r\n")
    };
    let body = |kind: &str, body: &str| {
        let head =
            request("POST /fhir/Observation", &format!("content-type: {kind}\r\ncontent-length: {}\r\n", body.len()));
        format!("{head}{body}")
    };
    let form = |body: &str| body_to_search(&token, body);
    let deep = "[".repeat(100_000);
    let many = (0..10_000).map(|number| format!("code=c{number}")).collect::<Vec<_>>().join("&");
    for (what, bytes) in [
        ("bad JSON", body("application/fhir+json", "{\"resourceType\":")),
        ("deep JSON", body("application/fhir+json", &deep)),
        ("a body of another kind", body("text/xml", "<Observation/>")),
        ("ten thousand parameters", form(&many)),
        ("a parameter of 50 kB", form(&format!("code={}", "A".repeat(50_000)))),
        ("an unknown parameter", request("GET /fhir/Observation?nothing=1", "")),
        ("bad percent signs", request("GET /fhir/Observation?code=%zz%", "")),
        ("bytes that are not UTF-8", request("GET /fhir/Observation?code=%ff%fe", "")),
        ("a NUL in a path", request("GET /fhir/Patient/a%00b", "")),
        ("a way out of the folder", request("GET /fhir/../../etc/passwd", "")),
        ("an encoded way out", request("GET /fhir/%2e%2e/%2e%2e/etc/passwd", "")),
        ("a quote for SQL", request("GET /fhir/Patient/'%20OR%201=1--", "")),
        ("an unknown method", request("BREW /fhir/Patient", "")),
        ("a count that is no number", request("GET /fhir/Patient?_count=99999999999999999999", "")),
        (
            "a token that is none",
            "GET /fhir/Patient HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer x\r\n\r\n".to_owned(),
        ),
        ("no token", "GET /fhir/Patient HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".to_owned()),
        ("a chain of includes", request("GET /fhir/DiagnosticReport?_include:iterate=*", "")),
    ] {
        let answer = raw(gateway.fhir_address(), bytes.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 4"), "{what}: {}", answer.chars().take(300).collect::<String>());
        assert!(answer.contains("\"resourceType\":\"OperationOutcome\""), "{what} has an outcome: {answer}");
    }
    goes_on(&gateway, &home, "GOOD6");
}

fn body_to_search(token: &str, body: &str) -> String {
    format!(
        "POST /fhir/Observation/_search HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn what_is_not_http_is_refused_or_closed() {
    let home = Home::new(PROGRAM);
    let gateway = home.serve();
    let stored = Oru::new("SECRET", "SECRET", 2).render();
    assert_eq!(code(&gateway.mllp().exchange(&stored).unwrap()), "AA");
    let hidden =
        format!("GET /fhir/Patient HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n", home.first().token);
    let length = hidden.len();
    let head = "POST /fhir/Patient/_search HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\n";
    for (what, bytes) in [
        (
            "both lengths",
            format!("{head}content-length: {length}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"),
        ),
        ("two lengths", format!("{head}content-length: 0\r\ncontent-length: {length}\r\n\r\n{hidden}")),
        ("a length list", format!("{head}content-length: 0, {length}\r\n\r\n{hidden}")),
        ("an obscured encoding", format!("{head}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n{hidden}")),
        ("a space before the colon", format!("{head}content-length : {length}\r\n\r\n{hidden}")),
        ("a folded header", format!("GET /fhir/Patient HTTP/1.1\r\nhost: x\r\nx: a\r\n b\r\n\r\n{}", "")),
        ("a negative length", format!("{head}content-length: -1\r\n\r\n")),
        ("a length beyond numbers", format!("{head}content-length: 99999999999999999999999\r\n\r\n")),
        ("a bare line feed", "GET /fhir/Patient\n\n".to_owned()),
        (
            "a megabyte of header",
            format!("GET /fhir/Patient HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "A".repeat(1 << 20)),
        ),
        ("ten thousand headers", format!("GET /fhir/Patient HTTP/1.1\r\nhost: x\r\n{}\r\n", "x: y\r\n".repeat(10_000))),
        ("a megabyte of path", format!("GET /fhir/{} HTTP/1.1\r\nhost: x\r\n\r\n", "A".repeat(1 << 20))),
        ("HL7", format!("\x0b{}\x1c\r", String::from_utf8_lossy(&stored))),
        ("TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\x7c\x03\x03".to_owned() + &"A".repeat(200) + "\r\n\r\n"),
    ] {
        let answer = raw(gateway.fhir_address(), bytes.as_bytes());
        let refused = answer.is_empty() || answer.starts_with("HTTP/1.1 4");
        assert!(refused, "{what}: {}", answer.chars().take(300).collect::<String>());
        assert!(!answer.contains("HTTP/1.1 2"), "{what}: a hidden request is not answered");
        assert!(!answer.contains("searchset"), "{what}: nothing is disclosed");
    }
    goes_on(&gateway, &home, "GOOD7");
}

fn a_request_that_trickles_is_cut_off() {
    let home = Home::new(PROGRAM);
    let gateway = home.serve();
    let started = Instant::now();
    let waiting: Vec<_> = (0..20)
        .map(|_| {
            let address = gateway.fhir_address();
            std::thread::spawn(move || raw(address, b"GET /fhir/Patient HTTP/1.1\r\nhost: x\r\nx-slow: "))
        })
        .collect();
    pause(Duration::from_millis(200));
    goes_on(&gateway, &home, "GOOD8");
    for answer in waiting {
        let answer = answer.join().unwrap();
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    }
    assert!(started.elapsed() < Duration::from_secs(14), "it was cut off before we gave up");
}
