//! Connections, accounts, applications and settings, as operators and scripts administer them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use tests::gateway::Ended;
use tests::home::{Home, write_private};

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate-under-test");
const SECRET: &str = "a-client-secret-that-nobody-may-see";
const KEYS: &str = r#"{"keys":[{"kty":"EC","crv":"P-384","x":"AA","y":"AA","alg":"ES384"}]}"#;

fn add_oidc(home: &Home, tenant: &str, more: &[&str]) -> Ended {
    let usual = ["connection", "add-oidc", "hospital", "--tenant", tenant];
    let provider = ["--issuer", "https://idp.example/realms/hospital", "--client-id", "sealgate"];
    home.run(&[&usual, provider.as_slice(), more].concat())
}

/// Holds no file of the installation, and nothing that a command said.
fn nowhere(home: &Home, secret: &str, said: &[&str]) {
    for file in home.files() {
        let bytes = fs::read(&file).unwrap();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{} holds it", file.display());
    }
    assert!(said.iter().all(|text| !text.contains(secret)));
}

#[test]
fn a_connection_is_added_shown_and_disabled_and_its_secret_is_never_shown() {
    let home = Home::new(PROGRAM);
    let (secret, said) = (home.path("client-secret"), home.path("client-secret").display().to_string());
    write_private(&secret, format!("{SECRET}\n").as_bytes());
    let added = add_oidc(&home, "Harbour", &["--client-secret-file", &said, "--second-factor-acr", "2", "--json"]);
    assert_eq!(added.code, Some(0), "{}", added.stderr);
    fs::remove_file(secret).unwrap();
    let value: Value = serde_json::from_str(&added.stdout).unwrap();
    let id = value["id"].as_str().unwrap();
    assert_eq!(value["protocol"]["oidc"]["client_secret_set"], true);
    assert_eq!(value["protocol"]["oidc"]["algorithms"], json!(["RS256", "ES256"]));
    let address = value["addresses"]["back-channel_logout"].as_str().unwrap();
    assert!(address.starts_with("http://127.0.0.1") && address.ends_with(&format!("/auth/oidc/backchannel/{id}")));

    let shown = home.done(&["connection", "show", "hospital"]);
    assert!(shown.contains("nobody is admitted yet") && shown.contains("/auth/oidc/callback"), "{shown}");
    let json = home.done(&["connection", "show", id, "--json"]);
    let listed = home.done(&["connection", "list"]);
    nowhere(&home, SECRET, &[&added.stdout, &added.stderr, &shown, &json, &listed]);

    home.done(&["connection", "disable", "hospital"]);
    assert_eq!(home.json(&["connection", "list", "--json"])[0]["enabled"], false);
    home.done(&["connection", "enable", "HOSPITAL"]);
    assert_eq!(home.json(&["connection", "list", "--tenant", "Harbour", "--json"])[0]["enabled"], true);
    assert_eq!(home.json(&["connection", "list", "--tenant", "Hillside", "--json"]), json!([]));
    let changes = home.done(&["audit", "show", "--tenant", "Harbour", "--resource", "Connection"]);
    assert_eq!(changes.matches("update").count(), 2, "{changes}");
}

#[test]
fn a_client_secret_comes_from_standard_input_or_a_file_that_nobody_else_reads() {
    let home = Home::new(PROGRAM);
    let open = home.path("open-secret");
    fs::write(&open, SECRET).unwrap();
    let said = open.display().to_string();
    let refused = add_oidc(&home, "Harbour", &["--client-secret-file", &said]);
    assert_eq!(refused.code, Some(66), "{}", refused.stderr);
    assert!(!refused.stderr.contains(SECRET));
    let mut command = home.command(&[
        "connection",
        "add-oidc",
        "hospital",
        "--tenant",
        "Harbour",
        "--issuer",
        "https://idp.example",
        "--client-id",
        "sealgate",
        "--client-secret-file",
        "-",
        "--json",
    ]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(SECRET.as_bytes()).unwrap();
    let ended = Ended::of(child.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(home.json(&["connection", "show", "hospital", "--json"])["protocol"]["oidc"]["client_secret_set"], true);
    assert_eq!(home.run(&["connection", "add-oidc", "x", "--client-secret", SECRET]).code, Some(2), "no such option");
}

#[test]
fn what_a_provider_could_not_mean_is_refused_with_a_sentence() {
    let home = Home::new(PROGRAM);
    for (more, wanted) in [
        (&["--issuer", "http://idp.example"][..], "cannot be used multiple times"),
        (&["--algorithm", "none"], "there is no algorithm"),
        (&["--algorithm", "RS265"], "did you mean `RS256`?"),
        (&["--scope", "profile"], "must have openid"),
        (&["--egress", "https://keys.example/"], "hosts may be given"),
        (&["--max-age-seconds=-1"], "must not be negative"),
    ] {
        let refused = add_oidc(&home, "Harbour", more);
        assert!(refused.code != Some(0) && refused.stderr.contains(wanted), "{more:?}: {}", refused.stderr);
    }
    let refused = add_oidc(&home, "Harbuor", &[]);
    assert!(refused.stderr.contains("did you mean `Harbour`?"), "{}", refused.stderr);
    fs::write(home.path("metadata.xml"), "<html>sign in first</html>").unwrap();
    let saml = ["connection", "add-saml", "hospital", "--tenant", "Harbour", "--metadata-file", "metadata.xml"];
    let refused = home.run(&saml);
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    assert!(refused.stderr.contains("metadata"), "{}", refused.stderr);
    assert_eq!(home.json(&["connection", "list", "--json"]), json!([]), "nothing of it was added");
}

#[test]
fn rules_are_kept_in_their_order() {
    let home = Home::new(PROGRAM);
    home.done(&["tenant", "add-clinic", "Cardiology", "--tenant", "Harbour"]);
    assert_eq!(add_oidc(&home, "Harbour", &[]).code, Some(0));
    let rule = |more: &[&str]| home.run(&[&["connection", "rule", "add", "hospital"], more].concat());
    assert_eq!(rule(&["--if-group", "doctors", "--role", "provider", "--clinic", "Cardiology"]).code, Some(0));
    assert_eq!(rule(&["--if-attribute", "department=it", "--role", "admin"]).code, Some(0));
    assert_eq!(rule(&["--if-subject", "e7c0", "--role", "auditor", "--role", "staff", "--at", "1"]).code, Some(0));
    let rules = home.json(&["connection", "rule", "list", "hospital", "--json"]);
    let order: Vec<_> = rules.as_array().unwrap().iter().map(|rule| rule["roles"].clone()).collect();
    assert_eq!(order, [json!(["staff", "auditor"]), json!(["provider"]), json!(["admin"])]);
    assert_eq!(rules[2]["when"], json!({ "attribute": { "name": "department", "value": "it" } }));

    for (more, wanted) in [
        (&["--role", "provider"][..], "--if-group"),
        (&["--if-group", "a", "--if-role", "b", "--role", "provider"], "cannot be used with"),
        (&["--if-group", "a", "--role", "providre"], "did you mean `provider`?"),
        (&["--if-group", "a", "--role", "system-operator"], "a person may be"),
        (&["--if-group", "a", "--role", "provider", "--clinic", "Cardiolgy"], "did you mean `Cardiology`?"),
        (&["--if-group", "a", "--role", "provider", "--at", "9"], "no place 9"),
        (&["--if-attribute", "department", "--role", "provider"], "NAME=VALUE"),
    ] {
        let refused = rule(more);
        assert!(refused.code != Some(0) && refused.stderr.contains(wanted), "{more:?}: {}", refused.stderr);
    }
    home.done(&["connection", "rule", "remove", "hospital", "--number", "2"]);
    let shown = home.done(&["connection", "rule", "list", "hospital"]);
    assert!(
        shown.contains("subject e7c0") && shown.contains("department = it") && !shown.contains("doctors"),
        "{shown}"
    );
    assert_eq!(home.run(&["connection", "rule", "remove", "hospital", "--number", "3"]).code, Some(1));
}

#[test]
fn a_person_is_invited_by_a_link_that_is_shown_once_and_kept_nowhere() {
    let home = Home::new(PROGRAM);
    let add = ["user", "add", "ada", "--tenant", "Harbour", "--display", "Ada Byron", "--role", "provider", "--json"];
    let added = home.json(&add);
    let link = added["invitation"].as_str().unwrap();
    let secret = link.rsplit('/').next().unwrap();
    assert!(link.starts_with("http://127.0.0.1") && secret.len() == 43, "{link}");
    let listed = home.json(&["user", "list", "--json"]);
    assert_eq!((&listed[0]["password_set"], &listed[0]["second_factor_set"]), (&json!(false), &json!(false)));
    let shown = home.done(&["user", "list", "--tenant", "Harbour"]);
    assert!(shown.contains("invited") && shown.contains("Ada Byron"), "{shown}");
    nowhere(&home, secret, &[&listed.to_string(), &shown]);

    let again = home.run(&["user", "add", "ADA", "--tenant", "Harbour", "--role", "staff"]);
    assert!(again.code == Some(1) && again.stderr.contains("taken"), "{}", again.stderr);
    let reset = home.json(&["user", "reset", "ada", "--second-factor", "--json"]);
    assert_ne!(reset["invitation"], added["invitation"]);
    home.done(&["user", "change", "ada", "--role", "clinical-director", "--display", "Ada King"]);
    home.done(&["user", "disable", "ada"]);
    let listed = home.json(&["user", "list", "--json"]);
    assert_eq!((&listed[0]["roles"], &listed[0]["enabled"]), (&json!(["clinical-director"]), &json!(false)));
    home.done(&["user", "enable", "ada"]);

    for arguments in [
        &["user", "add", "bob", "--tenant", "Harbour"][..],
        &["user", "add", "bob", "--tenant", "Harbour", "--role", "staff", "--password", "x"],
        &["user", "change", "ada"],
    ] {
        assert_eq!(home.run(arguments).code, Some(2), "{arguments:?}");
    }
    let refused = home.run(&["user", "disable", "adda"]);
    assert!(refused.stderr.contains("did you mean `ada`?"), "{}", refused.stderr);
    home.done(&["user", "add", "ada", "--tenant", "Hillside", "--role", "staff"]);
    let refused = home.run(&["user", "disable", "ada"]);
    assert!(refused.stderr.contains("--tenant"), "{}", refused.stderr);
    home.done(&["user", "disable", "ada", "--tenant", "Hillside"]);
}

#[test]
fn an_application_is_added_by_its_keys_or_given_a_secret_once() {
    let home = Home::new(PROGRAM);
    fs::write(home.path("keys.json"), KEYS).unwrap();
    let backend = |name: &str, more: &[&str]| {
        let arguments = ["application", "add-backend", name, "--tenant", "Harbour", "--scope", "system/*.rs", "--json"];
        home.run(&[&arguments, more].concat())
    };
    assert_eq!(backend("registry", &["--jwks-file", "keys.json"]).code, Some(0));
    assert_eq!(backend("warehouse", &["--jwks-url", "https://warehouse.example/keys"]).code, Some(0));
    assert_eq!(backend("third", &["--jwks-url", "http://warehouse.example/keys"]).code, Some(1));
    assert_eq!(backend("third", &[]).code, Some(2), "a back end has keys");
    fs::write(home.path("private.json"), KEYS.replace("\"x\"", "\"d\":\"AA\",\"x\"")).unwrap();
    let refused = backend("third", &["--jwks-file", "private.json"]);
    assert!(refused.code == Some(1) && refused.stderr.contains("public"), "{}", refused.stderr);
    let refused = backend("third", &["--jwks-file", "keys.json", "--scope", "patient/*.rs"]);
    assert!(refused.code == Some(2) && refused.stderr.contains("system"), "{}", refused.stderr);

    let launch = |name: &str, more: &[&str]| {
        let arguments = ["application", "add-launch", name, "--tenant", "Harbour", "--redirect-uri"];
        let usual = ["https://app.example/back", "--scope", "patient/*.rs", "--scope", "launch/patient", "--json"];
        home.run(&[&arguments, usual.as_slice(), more].concat())
    };
    let public: Value = serde_json::from_str(&launch("growth chart", &[]).stdout).unwrap();
    assert!(public["client_id"].is_string() && public["client_secret"].is_null());
    let ended = launch("dashboard", &["--confidential", "--launch-uri", "https://app.example/launch"]);
    let confidential: Value = serde_json::from_str(&ended.stdout).unwrap();
    let secret = confidential["client_secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("sga_") && secret.len() == 47);
    let refused = launch("third", &["--scope", "offline_acces"]);
    assert!(refused.code == Some(2) && refused.stderr.contains("did you mean `offline_access`?"), "{}", refused.stderr);

    let listed = home.json(&["application", "list", "--json"]);
    nowhere(&home, &secret, &[&listed.to_string(), &home.done(&["application", "list"])]);
    let of = |name: &str| listed.as_array().unwrap().iter().find(|found| found["name"] == name).unwrap().clone();
    assert_eq!(of("registry")["authentication"], "keys");
    assert_eq!(of("dashboard")["authentication"], "secret");
    assert_eq!(of("growth chart")["authentication"], "nothing (public)");
    assert_eq!(listed.as_array().unwrap().len(), 4, "what was refused was not added");
    home.done(&["application", "disable", public["client_id"].as_str().unwrap()]);
    assert!(home.done(&["application", "list"]).contains("disabled"));
}

#[test]
fn a_tenant_decides_about_time_addresses_and_second_factor_and_the_console_stays_open() {
    let home = Home::new(PROGRAM);
    let settings = |more: &[&str]| home.run(&[&["tenant", "settings", "Harbour"], more].concat());
    let shown = settings(&[]);
    assert!(shown.stdout.contains("15 min") && shown.stdout.contains("required"), "{}", shown.stdout);
    let changed = settings(&[
        "--idle-minutes",
        "10",
        "--absolute-minutes",
        "480",
        "--concurrent",
        "2",
        "--second-factor",
        "relaxed-for-staff",
        "--address",
        "192.0.2.0/24",
        "--address",
        "2001:db8::/32",
    ]);
    assert_eq!(changed.code, Some(0), "{}", changed.stderr);
    assert!(changed.stderr.contains("--any-address"), "it says how to open again: {}", changed.stderr);
    let value = home.json(&["tenant", "settings", "Harbour", "--json"]);
    assert_eq!(
        value["settings"],
        json!({ "sessions": { "idle_seconds": 600, "absolute_seconds": 28_800, "concurrent": 2 },
                "addresses": ["192.0.2.0/24", "2001:db8::/32"], "second_factor": "relaxed-for-staff",
                "break_glass_review_hours": 72 })
    );
    assert_eq!(home.json(&["tenant", "settings", "Hillside", "--json"])["settings"]["addresses"], json!([]));
    for more in [
        &["--idle-minutes", "0"][..],
        &["--idle-minutes", "500"],
        &["--concurrent", "51"],
        &["--address", "192.0.2.1/24"],
        &["--address", "::1", "--any-address"],
        &["--second-factor", "never"],
    ] {
        assert_ne!(settings(more).code, Some(0), "{more:?}");
    }
    assert_eq!(settings(&["--any-address"]).code, Some(0));
    assert_eq!(home.json(&["tenant", "settings", "Harbour", "--json"])["settings"]["addresses"], json!([]));
}

#[test]
fn keys_for_saml_are_made_once_and_the_configuration_that_is_printed_is_right() {
    let home = Home::new(PROGRAM);
    let folder = home.path("saml").display().to_string();
    let said = home.done(&["sso", "keys", "--folder", &folder, "--name", "results.example"]);
    let configuration = said.split_once("\n\n").unwrap().1;
    home.configure(false, configuration);
    home.done(&["check-config"]);
    let again = home.run(&["sso", "keys", "--folder", &folder]);
    assert_eq!(again.code, Some(1), "nothing is replaced: {}", again.stderr);

    // A key that others may read is refused where it is named, before anything starts.
    fs::set_permissions(home.path("saml/saml-signing.key"), fs::Permissions::from_mode(0o644)).unwrap();
    let open = home.run(&["check-config"]);
    assert!(open.code != Some(0) && open.stderr.contains("saml-signing.key"), "{}", open.stderr);
}

#[test]
fn a_connection_that_cannot_work_is_told_step_by_step() {
    let home = Home::new(PROGRAM);
    // Nobody listens on port 9, and nothing is asked beyond this machine.
    let issuer = ["--issuer", "http://127.0.0.1:9/realm", "--client-id", "sealgate", "--allow-http-loopback"];
    home.done(&[["connection", "add-oidc", "hospital", "--tenant", "Harbour"].as_slice(), &issuer].concat());
    let tested = home.run(&["sso", "test", "hospital", "--json"]);
    assert_eq!(tested.code, Some(1), "{}", tested.stderr);
    let value: Value = serde_json::from_str(&tested.stdout).unwrap();
    let verdict = |step: &str| {
        let steps = value["steps"].as_array().unwrap();
        steps.iter().find(|found| found["step"] == step).map(|found| found["verdict"].clone())
    };
    assert_eq!(verdict("discovery"), Some(json!("bad")), "{value}");
    assert_eq!(verdict("rules"), Some(json!("bad")));
    assert_eq!(verdict("settings"), Some(json!("good")));
}
