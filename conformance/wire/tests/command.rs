//! The program as a tester runs it: exit codes, files, and TLS.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

mod endpoint;

use endpoint::{Manner, serve};
use std::process::{Command, Output};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

async fn tool(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sealgate-conformance"));
    command.args(arguments);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn a_clean_run_exits_with_0_and_prints_a_line_for_each_case() {
    let address = serve(Manner::Correct).await;
    let done = tool(&["mllp", &address, "--only", "ACK-01,ACK-02"]).await;
    assert_eq!(done.status.code(), Some(0));
    let said = text(&done.stdout);
    assert!(said.starts_with("ACK-01    pass  shall "), "{said}");
    assert!(said.ends_with("2 cases, 2 passed, 0 failed, 0 skipped, 0 errors\n"), "{said}");
}

#[tokio::test]
async fn a_failure_exits_with_1_and_lands_in_the_report_file() {
    let address = serve(Manner::DropsAuthorities).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.xml");
    let done =
        tool(&["mllp", &address, "--only", "ACK-04", "--format", "junit", "--output", file.to_str().unwrap()]).await;
    assert_eq!(done.status.code(), Some(1));
    assert!(std::fs::read_to_string(file).unwrap().contains("<failure type=\"shall\""));
    assert!(text(&done.stdout).contains("1 failed"));
}

#[tokio::test]
async fn json_on_the_standard_output_is_one_object() {
    let address = serve(Manner::Correct).await;
    let done = tool(&["mllp", &address, "--only", "ENH", "--without", "enhanced-ack", "--format", "json"]).await;
    let report: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!((report["skipped"].as_u64(), report["passed"].as_u64()), (Some(5), Some(0)));
}

#[tokio::test]
async fn a_wrong_command_line_exits_with_2() {
    for wrong in [
        &["mllp"][..],
        &["mllp", "localhost"],
        &["mllp", "127.0.0.1:1", "--tls"],
        &["fhir", "localhost:8080"],
        &["vector", "hl7/no-such"],
        &["nonsense"],
    ] {
        assert_eq!(tool(wrong).await.status.code(), Some(2), "{wrong:?}");
    }
    let address = serve(Manner::Correct).await;
    for wrong in [&["--without", "telepathy"][..], &["--only", "NO-99"]] {
        let arguments = [&["mllp", address.as_str()], wrong].concat();
        assert_eq!(tool(&arguments).await.status.code(), Some(2), "{wrong:?}");
    }
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_reached_exits_with_3() {
    // Port 1 is reserved and nobody listens there; a port just given back may be taken by another test.
    assert_eq!(tool(&["mllp", "127.0.0.1:1"]).await.status.code(), Some(3));
    let done = tool(&["fhir", "http://127.0.0.1:1/fhir"]).await;
    assert_eq!(done.status.code(), Some(3));
    assert!(text(&done.stderr).contains("cannot reach"));
}

#[tokio::test]
async fn the_list_and_the_vectors_need_no_endpoint() {
    let list = text(&tool(&["list"]).await.stdout);
    assert!(list.contains("MLLP-02") && list.contains("SRCH-07") && list.contains("(--without enhanced-ack)"));
    let good = tool(&["vector", "hl7/good"]).await.stdout;
    assert!(good.starts_with(b"MSH|^~\\&|CONFORMANCE^"));
    assert!(text(&tool(&["vector"]).await.stdout).contains("mllp/57_negative_repeat_frames_fast_1000"));
}

#[tokio::test]
async fn a_listener_behind_tls_with_client_certificates_is_reached() {
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = parameters.self_signed(&authority_key).unwrap();
    let issuer = rcgen::Issuer::new(parameters, authority_key);
    let issue = |name: &str| {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        (certificate, key)
    };
    let (server, server_key) = issue("lab.test");
    let (client, client_key) = issue("tester.test");
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };

    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .build()
        .unwrap();
    let configuration = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(
            vec![server.der().clone()],
            rustls::pki_types::PrivateKeyDer::try_from(server_key.serialize_der()).unwrap(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(configuration));
    let plain = serve(Manner::Correct).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, plain) = (acceptor.clone(), plain.clone());
            tokio::spawn(async move {
                let Ok(mut outer) = acceptor.accept(stream).await else { return };
                let mut inner = tokio::net::TcpStream::connect(plain).await.unwrap();
                drop(tokio::io::copy_bidirectional(&mut outer, &mut inner).await);
            });
        }
    });

    let ca = file("ca.pem", authority.pem());
    let certificate = file("client.pem", client.pem());
    let key = file("client.key", client_key.serialize_pem());
    let common = ["mllp", address.as_str(), "--only", "ACK-01", "--tls", "--ca", &ca, "--server-name", "lab.test"];
    let with = [&common[..], &["--client-cert", &certificate, "--client-key", &key]].concat();
    let done = tool(&with).await;
    assert_eq!(done.status.code(), Some(0), "{}{}", text(&done.stdout), text(&done.stderr));
    assert_ne!(tool(&common).await.status.code(), Some(0), "a listener that asks for a certificate needs one");
}
