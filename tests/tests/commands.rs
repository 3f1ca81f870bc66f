//! The commands as operators and scripts meet them: words, exit codes, and changes while the gateway serves.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tests::consistency::everything_fits;
use tests::fhir::Fhir;
use tests::gateway::{Ended, Gateway, eventually, pause};
use tests::home::{Home, write_private};
use tests::message::Oru;
use tests::mllp::code;

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate-under-test");
/// What a change by command may take until it is in force in a gateway that serves.
const IN_FORCE: Duration = Duration::from_secs(2);

fn accepted(gateway: &Gateway, name: &str) {
    let answer = gateway.mllp().exchange(&Oru::new(name, name, 2).render()).unwrap();
    assert_eq!(code(&answer), "AA", "{name}");
}

fn with_config(home: &Home, change: impl FnOnce(String) -> String) -> Ended {
    let file = home.path("sealgate.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, change(text.clone())).unwrap();
    let ended = home.run(&["serve"]);
    fs::write(&file, text).unwrap();
    ended
}

#[test]
fn a_wrong_configuration_is_told_with_file_line_and_the_nearest_key() {
    let home = Home::new(PROGRAM);
    let lines =
        |text: &str, wanted: &str| text.lines().position(|line| line.contains(wanted)).map(|at| at + 1).unwrap();
    let text = fs::read_to_string(home.path("sealgate.toml")).unwrap();
    for (from, to, wanted) in [
        ("anchor_file =", "anchor_fil =", "did you mean `anchor_file`?"),
        ("level = \"trace\"", "levle = \"trace\"", "did you mean `level`?"),
        ("name = \"second\"", "name = \"second\"\nmax_frame_byte = 1", "did you mean `max_frame_bytes`?"),
        ("name = \"second\"", "name = \"second\"\nmax_frame_bytes = 0", "it must be from 1024 to 67108864"),
        ("request_timeout_seconds = 5", "request_timeout_seconds = 0", "it must be from 1 to 31536000"),
        ("anchor_file = \"anchors\"", "anchor_file = \"\"", "names no file"),
        ("level = \"trace\"", "level = \"loud\"", "loud"),
        ("request_timeout_seconds = 5", "request_timeout_seconds = \"5\"", "string"),
        (
            "request_timeout_seconds = 5",
            "request_timeout_seconds = 5\ntrusted_proxies = [\"10.0.0.1/8\"]",
            "is a list of ranges of addresses",
        ),
        (
            "[sign_on]\nenabled = true",
            "[sign_on]\nenabled = true\napi_private_ranges = [\"10.20.0.1/16\"]",
            "`api_private_ranges` is a list of ranges of addresses",
        ),
        (
            "request_timeout_seconds = 5",
            "request_timeout_seconds = 5\nforwarded_header = \"x-real-ip\"",
            "x-forwarded-for",
        ),
    ] {
        let line = lines(&text.replacen(from, to, 1), to.lines().last().unwrap());
        let ended = with_config(&home, |text| text.replacen(from, to, 1));
        assert_eq!(ended.code, Some(78), "{to}: {}", ended.stderr);
        assert!(ended.stderr.contains(&format!("sealgate.toml:{line}:")), "{to} is in line {line}: {}", ended.stderr);
        assert!(ended.stderr.contains(wanted), "{to}: {}", ended.stderr);
        assert_eq!(ended.stderr.trim().lines().count(), 1, "one clear line: {}", ended.stderr);
    }
    for (from, to, wanted) in [
        ("name = \"second\"", "name = \"main\"", "a name of its own"),
        ("credential_file = \"credential\"", "", "exactly one of"),
        ("[operations]\nbind = \"127.0.0.1:0\"", "[operations]\nbind = \"0.0.0.0:0\"", "loopback"),
        ("[fhir]\nbind = \"127.0.0.1:0\"", "[fhir]\nbind = \"0.0.0.0:0\"", "tls"),
    ] {
        let ended = with_config(&home, |text| text.replacen(from, to, 1));
        assert_eq!(ended.code, Some(78), "{to}: {}", ended.stderr);
        assert!(ended.stderr.contains(wanted), "{to}: {}", ended.stderr);
    }
    fs::remove_file(home.path("sealgate.toml")).unwrap();
    let ended = home.run(&["serve"]);
    assert_eq!(ended.code, Some(78));
    assert!(ended.stderr.contains("sealgate init"), "it says what makes one: {}", ended.stderr);
}

#[test]
fn check_config_prints_what_is_in_force_and_no_secret() {
    let home = Home::new(PROGRAM);
    let credential = fs::read_to_string(home.path("credential")).unwrap();
    let text = home.done(&["check-config"]);
    let json = home.json(&["check-config", "--json"]);
    assert!(text.contains("max_frame_bytes = 16777216"), "defaults are shown too: {text}");
    assert_eq!(json["mllp"].as_array().unwrap().len(), 2);
    for shown in [text, json.to_string()] {
        assert!(shown.contains("credential") && !shown.contains(credential.trim()), "a secret is shown as its file");
    }
    let told = || home.run(&["check-config"]).stderr;
    assert!(told().contains("the configuration is right\n"), "{}", told());
    fs::rename(home.path("sealgate.db"), home.path("elsewhere.db")).unwrap();
    assert!(told().contains("but there is no") && told().contains("sealgate.db"), "{}", told());
}

#[test]
fn what_is_missing_or_taken_has_an_exit_code_of_its_own() {
    let home = Home::new(PROGRAM);
    assert_eq!(home.run(&["nonsense"]).code, Some(2));
    assert_eq!(home.run(&["tenant", "add"]).code, Some(2));
    assert_eq!(home.run(&["message", "list", "--tenant", "Nobody"]).code, Some(1));
    let again = home.run(&["init", "--folder", ".", "--credential-file", "credential"]);
    assert_eq!(again.code, Some(1), "init never overwrites: {}", again.stderr);

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().to_string();
    let ended = with_config(&home, |text| text.replace("127.0.0.1:0", &port));
    assert_eq!(ended.code, Some(69), "{}", ended.stderr);
    assert!(ended.stderr.contains(&port), "the port is named");

    fs::rename(home.path("credential"), home.path("elsewhere")).unwrap();
    assert_eq!(home.run(&["serve"]).code, Some(66));
    write_private(&home.path("credential"), b"another secret that opens nothing");
    let ended = home.run(&["serve"]);
    assert_eq!(ended.code, Some(77), "{}", ended.stderr);
    fs::remove_file(home.path("credential")).unwrap();
    fs::rename(home.path("elsewhere"), home.path("credential")).unwrap();
    fs::remove_file(home.path("sealgate.db")).unwrap();
    let ended = home.run(&["serve"]);
    assert_eq!(ended.code, Some(66), "a wrong path makes no empty database: {}", ended.stderr);
    assert!(!home.path("sealgate.db").exists());
}

#[test]
fn a_wrong_passphrase_is_counted_and_slowed_down_and_the_support_code_helps() {
    let home = Home::new(PROGRAM);
    let at = |name: &str| home.path(name).display().to_string();
    let (folder, passphrase) = (at("second-house"), at("passphrase"));
    write_private(&home.path("passphrase"), b"correct horse battery staple\n");
    let made = home.done(&["init", "--folder", &folder, "--passphrase-file", &passphrase]);
    let support = made.lines().map(str::trim).find(|line| line.len() > 30 && line.matches('-').count() > 6).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(home.program());
        let output = command.arg("--config").arg(at("second-house/sealgate.toml")).args(arguments).output().unwrap();
        Ended::of(output)
    };
    write_private(&home.path("passphrase"), b"incorrect horse battery staple\n");
    for attempt in 1..=5 {
        let started = Instant::now();
        let ended = run(&["tenant", "list"]);
        assert_eq!(ended.code, Some(77), "{}", ended.stderr);
        let last = ended.stderr.trim().lines().last().unwrap();
        assert!(last.starts_with("wrong passphrase") && last.contains(&format!("{attempt} failed so far")), "{last}");
        if attempt == 5 {
            assert!(
                ended.stderr.contains("waiting") && started.elapsed() >= Duration::from_secs(1),
                "{}",
                ended.stderr
            );
        }
    }
    write_private(&home.path("support"), support.as_bytes());
    write_private(&home.path("passphrase"), b"a passphrase that is new\n");
    let (support_file, passphrase_file) = (at("support"), at("passphrase"));
    let recovered =
        run(&["key", "recover", "--support-code-file", &support_file, "--passphrase-file", &passphrase_file]);
    assert_eq!(recovered.code, Some(0), "{}", recovered.stderr);
    assert!(!recovered.stdout.contains(support), "there is a new support code");
    let opened = run(&["tenant", "list"]);
    assert_eq!(opened.code, Some(0), "{}", opened.stderr);
    assert!(!opened.stderr.contains("waiting"), "the count is forgotten after success");
}

#[test]
fn a_token_is_shown_once_and_a_disabled_client_is_refused_at_once() {
    let home = Home::new(PROGRAM);
    let gateway = home.serve();
    accepted(&gateway, "F1");
    let added = home.json(&["client", "add", "tablet", "--tenant", "Harbour", "--json"]);
    let token = added["token"].as_str().unwrap();
    let fhir = Fhir::new(&format!("http://{}/fhir", gateway.fhir_address()), Some(token));
    let started = Instant::now();
    eventually("the new client is admitted", || fhir.get("/DiagnosticReport").status == 200);
    assert!(started.elapsed() < IN_FORCE);

    let secret = token.rsplit('.').next().unwrap();
    assert!(!home.done(&["client", "list", "--json"]).contains(secret));
    for file in home.files() {
        let bytes = fs::read(&file).unwrap();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{} holds it", file.display());
    }
    home.done(&["client", "disable", "tablet"]);
    let started = Instant::now();
    eventually("the disabled client is refused", || fhir.get("/DiagnosticReport").status == 401);
    assert!(started.elapsed() < IN_FORCE);
    fhir.get("/DiagnosticReport").is_outcome(401);
    assert_eq!(gateway.fhir(home.first()).get("/DiagnosticReport").status, 200, "others are admitted");
    let failures = home.done(&["audit", "show", "--tenant", "system", "--action", "LoginFailed", "--json"]);
    assert!(!failures.is_empty(), "who was not admitted is in the chain");
    assert!(!gateway.log().contains(secret));
}

#[test]
fn a_tenant_added_while_the_gateway_serves_is_served() {
    let home = Home::new(PROGRAM);
    home.configure(false, "[[mllp]]\nname = \"third\"\nbind = \"127.0.0.1:0\"\n");
    let gateway = home.serve();
    let mut party = home.second().clone();
    party.listener = "third";
    let early = gateway.sender_of(&party).exchange(&Oru::new("E", "E", 2).render());
    assert!(early.is_err(), "while nobody is expected on the listener, nobody is answered");

    home.done(&["tenant", "add", "Island"]);
    home.done(&["tenant", "add-clinic", "Cardiology", "--tenant", "Island"]);
    home.done(&[
        "interface",
        "add",
        "island-lab",
        "--tenant",
        "Island",
        "--clinic",
        "Cardiology",
        "--listener",
        "third",
        "--peer",
        "127.0.0.0/8",
    ]);
    party.token =
        home.done(&["client", "add", "island-ward", "--tenant", "Island", "--clinic", "Cardiology"]).trim().to_owned();
    let message = Oru::new("N1", "N1", 2).render();
    let exchange = |message: &[u8]| gateway.sender_of(&party).exchange(message).map(|answer| code(&answer));
    eventually("the interface takes messages", || exchange(&message).is_ok_and(|code| code == "AA"));
    // It was added after the interface, so it may come into force after it.
    eventually("the client is known", || gateway.fhir(&party).get("/DiagnosticReport?identifier=N1").status == 200);
    assert_eq!(gateway.fhir(&party).get("/DiagnosticReport?identifier=N1").resources().len(), 1);
    assert!(gateway.fhir(home.first()).get("/DiagnosticReport?identifier=N1").resources().is_empty());

    home.done(&["interface", "disable", "island-lab"]);
    let later = Oru::new("N2", "N2", 2).render();
    eventually("the disabled interface refuses", || exchange(&later).map_or(true, |code| code == "AR"));
}

#[test]
fn a_clinic_sees_its_own_records_only() {
    let home = Home::new(PROGRAM);
    home.configure(false, "[[mllp]]\nname = \"third\"\nbind = \"127.0.0.1:0\"\n");
    for clinic in ["Cardiology", "Oncology"] {
        home.done(&["tenant", "add-clinic", clinic, "--tenant", "Harbour"]);
    }
    home.done(&[
        "interface",
        "add",
        "heart-lab",
        "--tenant",
        "Harbour",
        "--clinic",
        "Cardiology",
        "--listener",
        "third",
        "--peer",
        "127.0.0.0/8",
    ]);
    let token = |clinic: &str| {
        home.done(&["client", "add", clinic, "--tenant", "Harbour", "--clinic", clinic]).trim().to_owned()
    };
    let (heart, cancer) = (token("Cardiology"), token("Oncology"));
    let gateway = home.serve();
    let mut sender = tests::mllp::Sender::connect(gateway.listener("third"), tests::gateway::PATIENCE).unwrap();
    assert_eq!(code(&sender.exchange(&Oru::new("H1", "H1", 2).render()).unwrap()), "AA");
    let fhir = |token: &str| Fhir::new(&format!("http://{}/fhir", gateway.fhir_address()), Some(token));
    let found = fhir(&heart).get("/DiagnosticReport?identifier=H1").resources();
    assert_eq!(found.len(), 1);
    assert!(fhir(&cancer).get("/DiagnosticReport?identifier=H1").resources().is_empty());
    fhir(&cancer).get(&format!("/DiagnosticReport/{}", found[0]["id"].as_str().unwrap())).is_outcome(404);
}

#[test]
fn a_tenants_key_is_rotated_while_messages_come_in() {
    let home = Home::new(PROGRAM);
    let gateway = home.serve();
    for number in 0..5 {
        accepted(&gateway, &format!("BEFORE{number}"));
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let sending = scope.spawn(|| {
            let mut sender = gateway.mllp();
            let mut number = 0;
            while !done.load(Ordering::Relaxed) {
                let name = format!("DURING{number}");
                // Another patient each time, so that data keys are made meanwhile.
                let message = Oru { mrn: format!("MRN{number}"), ..Oru::new(&name, &name, 2) };
                assert_eq!(code(&sender.exchange(&message.render()).unwrap()), "AA");
                number += 1;
            }
            number
        });
        let said = home.done(&["key", "rotate", "--tenant", "Harbour"]);
        done.store(true, Ordering::Relaxed);
        assert!(said.contains("generation 2"), "{said}");
        assert!(sending.join().unwrap() > 0);
    });
    accepted(&gateway, "AFTER");
    let fhir = gateway.fhir(home.first());
    for name in ["BEFORE0", "DURING0", "AFTER"] {
        assert_eq!(fhir.get(&format!("/DiagnosticReport?identifier={name}")).resources().len(), 1, "{name}");
    }
    let status = home.json(&["status", "--json"]);
    let key = status["keys"].as_array().unwrap().iter().find(|key| key["name"] == "Harbour").unwrap().clone();
    assert_eq!((&key["generation"], &key["rotation_unfinished"]), (&Value::from(2), &Value::from(false)));
    assert_eq!(gateway.terminate().code, Some(0));
    let mut database = home.database();
    let tenant = home.first().id.replace('-', "");
    let generations = database.numbers(&format!("SELECT DISTINCT generation FROM data_key WHERE tenant = x'{tenant}'"));
    assert_eq!(generations, [2], "every data key is wrapped anew");
    everything_fits(&mut database);
    database.close();
    let gateway = home.serve();
    assert_eq!(gateway.fhir(home.first()).get("/DiagnosticReport?identifier=BEFORE0").resources().len(), 1);
}

#[test]
fn told_to_stop_it_finishes_what_is_in_hand_and_loses_nothing() {
    let home = Home::new(PROGRAM);
    let gateway = home.serve();
    let listener = gateway.listener("main");
    let lanes: Vec<_> = (0..3)
        .map(|lane| {
            std::thread::spawn(move || {
                let mut sender = tests::mllp::Sender::connect(listener, tests::gateway::PATIENCE).unwrap();
                let message =
                    |number: &i32| Oru::new(&format!("S{lane}-{number}"), &format!("S{lane}-{number}"), 2).render();
                (0..)
                    .take_while(|number| sender.exchange(&message(number)).is_ok_and(|answer| code(&answer) == "AA"))
                    .count()
            })
        })
        .collect();
    pause(Duration::from_millis(200));
    let ended = gateway.terminate();
    let accepted: usize = lanes.into_iter().map(|lane| lane.join().unwrap()).sum();
    assert_eq!(ended.code, Some(0));
    assert!(ended.stderr.contains("stopped, nothing left in hand"));
    assert!(accepted > 0);
    assert_eq!(everything_fits(&mut home.database()), accepted, "what was taken was answered, and the other way round");
    home.done(&["audit", "verify"]);
}

#[test]
fn a_gateway_told_to_stop_as_soon_as_it_serves_stops_in_order() {
    let home = Home::new(PROGRAM);
    for _ in 0..5 {
        let ended = home.serve().terminate();
        assert_eq!(ended.code, Some(0));
        assert!(ended.stderr.contains("stopped, nothing left in hand"));
    }
}

#[test]
fn an_export_is_verified_by_the_command_and_by_the_standalone_verifier() {
    let home = Home::new(PROGRAM);
    let gateway = home.serve();
    for number in 0..4 {
        accepted(&gateway, &format!("F{number}"));
    }
    let (export, keys) = (home.path("export.jsonl"), home.path("keys.json"));
    home.done(&["audit", "export", "--tenant", "Harbour", "--to", "export.jsonl", "--key-file", "keys.json"]);
    let ours = || home.run(&["audit", "verify", "--export", "export.jsonl", "--key-file", "keys.json", "--json"]);
    let theirs = || {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../conformance/audit/verify_export.py");
        let done = Command::new("python3").arg(script).arg(&export).arg("--key-file").arg(&keys).output().unwrap();
        (done.status.code(), serde_json::from_slice::<Value>(&done.stdout).unwrap())
    };
    let whole = fs::read_to_string(&export).unwrap();
    assert_eq!(ours().code, Some(0), "{}", ours().stderr);
    assert_eq!((theirs().0, &theirs().1["verified"]), (Some(0), &Value::from(true)));

    let lines: Vec<&str> = whole.lines().collect();
    let without = |at: usize| [&lines[..at], &lines[at + 1..]].concat().join("\n") + "\n";
    for (what, text) in [
        ("changed", whole.replacen("\"success\"", "\"failure\"", 1)),
        ("one missing", without(4)),
        ("the last missing", without(lines.len() - 2)),
        ("without its seal", without(lines.len() - 1)),
    ] {
        fs::write(&export, text).unwrap();
        assert_eq!(ours().code, Some(65), "{what}: {}", ours().stderr);
        let (code, verdict) = theirs();
        assert_eq!((code, &verdict["verified"]), (Some(65), &Value::from(false)), "{what}");
        let said: Value = serde_json::from_str(ours().stdout.lines().last().unwrap_or_default()).unwrap_or_default();
        if said["first_bad_sequence"].is_number() {
            assert_eq!(said["first_bad_sequence"], verdict["first_bad_sequence"], "{what}");
            assert_eq!(said["kind"], verdict["kind"], "{what}");
        }
    }
}

#[test]
fn every_command_explains_itself() {
    let home = Home::new(PROGRAM);
    let mut paths: Vec<Vec<String>> = vec![Vec::new()];
    let mut seen = BTreeSet::new();
    while let Some(path) = paths.pop() {
        let arguments: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
        let ended = home.run(&arguments);
        assert_eq!(ended.code, Some(0), "{path:?}: {}", ended.stderr);
        let first = ended.stdout.lines().next().unwrap();
        assert!(first.split(' ').count() > 1, "{path:?} begins with a sentence: {first}");
        assert!(ended.stdout.contains("Usage:"), "{path:?}");
        let section = |name: &str| {
            let from = ended.stdout.lines().skip_while(move |line| *line != name).skip(1);
            from.take_while(|line| line.starts_with(' ') || line.is_empty()).map(str::to_owned).collect::<Vec<_>>()
        };
        let lines = section("Arguments:").into_iter().chain(section("Options:")).collect::<Vec<_>>();
        for (at, line) in lines.iter().enumerate() {
            let is_name = line.trim_start().starts_with(['-', '<', '[']) && line.len() - line.trim_start().len() < 8;
            let words = line.trim().split("  ").nth(1).is_some();
            let next = lines.get(at + 1).is_some_and(|next| next.starts_with("          "));
            assert!(!is_name || words || next, "{path:?}: {line} is explained");
        }
        for line in section("Commands:") {
            let name = line.split_whitespace().next().unwrap_or_default();
            if line.starts_with("  ") && !line.starts_with("   ") && name != "help" {
                paths.push(path.iter().cloned().chain([name.to_owned()]).collect());
            }
        }
        seen.insert(path);
    }
    assert!(seen.len() > 25, "all commands were looked at: {}", seen.len());
    for (arguments, wanted) in [(["completion", "bash"], "complete"), (["completion", "zsh"], "compdef")] {
        assert!(home.done(&arguments).contains(wanted));
    }
    assert!(home.done(&["manual"]).contains(".TH"));
}

#[test]
fn files_are_sent_and_their_acknowledgements_told() {
    let home = Home::new(PROGRAM);
    let gateway = home.serve();
    fs::write(home.path("good.hl7"), Oru::new("G1", "G1", 2).render()).unwrap();
    fs::write(home.path("bad.hl7"), b"this is no message").unwrap();
    let to = gateway.listener("main").to_string();
    let sent = home.done(&["send", "good.hl7", "--to", &to, "--json"]);
    assert!(sent.contains("AA"), "{sent}");
    let ended = home.run(&["send", "good.hl7", "bad.hl7", "--to", &to]);
    assert_eq!(ended.code, Some(1), "{} {}", ended.stdout, ended.stderr);
    assert_eq!(ended.stdout.lines().count(), 2, "one line for each file: {}", ended.stdout);
    drop(gateway);
    assert_eq!(home.run(&["send", "good.hl7", "--to", &to]).code, Some(69));
}

#[test]
fn health_and_metrics_are_told_on_their_own_port() {
    let home = Home::new(PROGRAM);
    let gateway = home.serve();
    accepted(&gateway, "F1");
    let operations = gateway.operations();
    assert_eq!(operations.get("/health/live").status, 200);
    assert_eq!(operations.get("/health/ready").body, "ready\n");
    let metrics = operations.get("/metrics");
    assert!(metrics.header("content-type").starts_with("text/plain; version=0.0.4"));
    assert!(metrics.body.contains("sealgate_mllp_acknowledgements_total{code=\"AA\"} 1\n"), "{}", metrics.body);
    assert_eq!(gateway.fhir(home.first()).get("/../metrics").status, 404, "the FHIR port tells none of it");
}

#[test]
fn the_demo_tells_its_story_and_every_step_holds() {
    let home = Home::new(PROGRAM);
    let said = home.done(&["demo", "--once"]);
    let lines = said.lines().count();
    assert!((25..=80).contains(&lines), "about forty lines: {lines}");
    for wanted in ["AA", "DiagnosticReport", "exit code 65", "mac_mismatch"] {
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
}

#[test]
fn commands_at_once_about_one_connection_lose_nothing_of_each_other() {
    let home = Home::new(PROGRAM);
    let tenant = home.first().name.clone();
    let add = ["connection", "add-oidc", "Hospital", "--tenant", &tenant, "--issuer", "https://idp.example"];
    home.done(&[add.as_slice(), &["--client-id", "sealgate"]].concat());
    let make = ["connection", "key", "make", "Hospital"];
    let rule = ["connection", "rule", "add", "Hospital", "--role", "provider", "--if-group"];
    let commands: Vec<Vec<&str>> = vec![
        make.to_vec(),
        vec!["connection", "set-redirect", "Hospital", "common"],
        make.to_vec(),
        vec!["connection", "provisioning", "Hospital", "--required", "yes"],
        make.to_vec(),
        [rule.as_slice(), &["doctors"]].concat(),
        make.to_vec(),
        [rule.as_slice(), &["nurses"]].concat(),
        vec!["connection", "disable", "Hospital"],
    ];
    std::thread::scope(|scope| {
        let running: Vec<_> = commands.iter().map(|command| scope.spawn(|| home.run(command))).collect();
        for (command, ended) in commands.iter().zip(running) {
            let ended = ended.join().unwrap();
            assert_eq!(ended.code, Some(0), "{command:?}: {}", ended.stderr);
        }
    });
    let shown = home.json(&["connection", "show", "Hospital", "--json"]);
    let oidc = shown.pointer("/protocol/oidc").unwrap();
    let count = |value: Option<&Value>| value.and_then(Value::as_array).map(Vec::len);
    assert_eq!(count(oidc.get("client_keys")), Some(4), "{shown}");
    assert_eq!(count(shown.get("rules")), Some(2), "{shown}");
    assert_eq!(oidc.get("own_redirect"), Some(&Value::Bool(false)), "{shown}");
    assert_eq!(shown.pointer("/provisioning/required"), Some(&Value::Bool(true)), "{shown}");
    assert_eq!(shown.get("enabled"), Some(&Value::Bool(false)), "{shown}");
}

#[test]
fn a_client_key_signs_once_it_is_said_for_whom_it_is_said() {
    let home = Home::new(PROGRAM);
    let tenant = home.first().name.clone();
    let add = ["connection", "add-oidc", "Hospital", "--tenant", &tenant, "--issuer", "https://idp.example"];
    home.done(&[add.as_slice(), &["--client-id", "sealgate"]].concat());
    let made = home.json(&["connection", "key", "make", "Hospital", "--json"]);
    assert_eq!(made.pointer("/keys/0/signs"), Some(&Value::Bool(false)), "{made}");
    let shown = home.done(&["connection", "show", "Hospital"]);
    assert!(shown.contains("a key signs after `sealgate connection key use`"), "{shown}");
    let key = made.pointer("/keys/0/id").and_then(Value::as_str).unwrap();
    home.done(&["connection", "key", "use", "Hospital", key, "--assertion-audience", "issuer"]);
    let shown = home.json(&["connection", "show", "Hospital", "--json"]);
    let at = |path: &str| shown.pointer(&format!("/protocol/oidc/{path}")).and_then(Value::as_str).map(str::to_owned);
    assert_eq!(at("assertion_audience").as_deref(), Some("issuer"), "{shown}");
    assert_eq!(shown.pointer("/protocol/oidc/client_keys/0/signs"), Some(&Value::Bool(true)), "{shown}");
    assert!(at("client_keys/0/certificate_ends").is_some() && at("client_keys/0/private").is_none(), "{shown}");
    home.done(&["connection", "key", "use", "Hospital", key]);
    let again = home.done(&["connection", "show", "Hospital"]);
    let row = again.lines().find(|line| line.starts_with("keys sign for")).unwrap();
    assert!(row.contains("issuer"), "what is not given stays: {row}");
    assert!(again.lines().any(|line| line.starts_with("certificate of the key") && line.contains("ends ")), "{again}");
    assert_eq!(home.json(&["status", "--json"]).get("certificates_ending"), Some(&Value::Array(Vec::new())));
}
