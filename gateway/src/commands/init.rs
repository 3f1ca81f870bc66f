//! `sealgate init`: makes the keys, the database, the anchors and a configuration file.

use crate::cli::Init;
use crate::commands::files::{not_written, write_new};
use crate::config::{self, Config};
use crate::exit::{Exit, Outcome, Stop};
use crate::installation::{Installation, not_in_custody, not_opened};
use crate::output;
use domain::audit::AnchorKey;
use domain::keys::slot::{KdfParams, SlotKind};
use domain::keys::{Roots, SupportCode};
use domain::ports::Entropy;
use domain::secret::SecretBytes;
use keys::custody::Custody;
use keys::entropy::SystemEntropy;
use keys::file::{read_credential_file, read_secret_file};
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use store::AnchorFile;
use zeroize::Zeroize;

/// Shortest passphrase, in characters.
pub const MIN_PASSPHRASE: usize = 12;

/// Makes a new installation in a folder that holds none.
///
/// # Errors
/// [`Exit::Failed`] when the folder holds an installation already or cannot be written.
pub async fn run(init: Init) -> Outcome {
    let made = make(&init).await?;
    output::line(format_args!("installation made in {}", init.folder.display()))?;
    output::line("")?;
    output::line("Support code, shown this once. It opens the root when the passphrase is lost.")?;
    output::line("Write it down and keep it apart from this machine:")?;
    output::line("")?;
    output::line(format_args!("    {}", made.render().as_str()))?;
    output::line("")?;
    output::line("Next: sealgate tenant add NAME, sealgate interface add …, sealgate client add …, sealgate serve")
}

/// Makes the installation and returns its support code.
///
/// # Errors
/// As for [`run`].
pub async fn make(init: &Init) -> Outcome<SupportCode> {
    let folder = &init.folder;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|why| not_written(folder, &why))?;
    let configuration = folder.join("sealgate.toml");
    for file in [&configuration, &folder.join("custody.json"), &folder.join("anchors")] {
        if file.exists() {
            let line = format!("{} is there already: init never overwrites an installation", file.display());
            return Err(Stop::new(Exit::Failed, line));
        }
    }
    let (kind, secret) = secret(init)?;
    write_new(&configuration, configuration_text(init).as_bytes(), 0o600)?;
    let config = config::read(&configuration).map_err(|fault| Stop::new(Exit::Configuration, fault))?;

    let entropy = SystemEntropy;
    let no_randomness = |_| Stop::new(Exit::Failed, "the operating system gives no randomness");
    let roots = Roots::generate(&entropy).map_err(no_randomness)?;
    let code = SupportCode::generate(&entropy).map_err(no_randomness)?;
    let (roots, code) = slots(&config, roots, kind, secret, code).await?;
    let anchors = AnchorFile::create(&config.audit.anchor_file, AnchorKey::derive(&roots.audit))
        .map_err(|fault| Stop::new(Exit::Failed, fault))?;
    let database = open_new_database(&config).await?;
    let heads =
        database.store().heads().await.map_err(|_| Stop::new(Exit::Unavailable, "the database does not answer"))?;
    if !heads.is_empty() {
        return Err(Stop::new(Exit::Failed, "the database holds records already: init never takes one over"));
    }
    let installation = Installation::with(roots, database, anchors).await?;
    let prepared = installation.administration().prepare_system().await;
    installation.close().await;
    prepared.map_err(|_| Stop::new(Exit::Unavailable, "the database does not answer"))?;
    Ok(code)
}

/// Makes the slots off the async workers: Argon2id takes its time and memory on purpose.
async fn slots(
    config: &Config,
    roots: Roots,
    kind: SlotKind,
    secret: SecretBytes,
    code: SupportCode,
) -> Outcome<(Roots, SupportCode)> {
    let path = config.custody.slots_file.clone();
    let made = tokio::task::spawn_blocking(move || {
        let entropy = SystemEntropy;
        let params = || KdfParams::recommended(&entropy);
        let mut custody = Custody::new();
        let of_first = if kind == SlotKind::CredentialFile { None } else { Some(params()?) };
        custody.add(&roots, kind, secret.expose(), of_first, &entropy)?;
        custody.add(&roots, SlotKind::SupportCode, code.expose(), Some(params()?), &entropy)?;
        custody.write(&path)?;
        Ok((roots, code))
    });
    match made.await {
        Ok(made) => made.map_err(not_in_custody),
        Err(_) => Err(Stop::new(Exit::Failed, "the key slots could not be made")),
    }
}

fn secret(init: &Init) -> Outcome<(SlotKind, SecretBytes)> {
    let unreadable = |fault| Stop::new(Exit::Missing, fault);
    if let Some(path) = &init.credential_file {
        if !path.exists() {
            make_credential(path)?;
        }
        return Ok((SlotKind::CredentialFile, read_credential_file(path).map_err(unreadable)?));
    }
    let passphrase = match &init.passphrase_file {
        Some(path) => read_secret_file(path).map_err(unreadable)?,
        None => {
            let line =
                "init needs --passphrase-file FILE or --credential-file FILE: a served gateway starts without a person";
            return Err(Stop::new(Exit::Usage, line));
        }
    };
    long_enough(&passphrase)?;
    Ok((SlotKind::Passphrase, passphrase))
}

/// Refuses a passphrase that is too short to withstand guessing.
///
/// # Errors
/// [`Exit::Failed`].
pub fn long_enough(passphrase: &SecretBytes) -> Outcome {
    if std::str::from_utf8(passphrase.expose()).is_ok_and(|text| text.chars().count() >= MIN_PASSPHRASE) {
        return Ok(());
    }
    Err(Stop::new(Exit::Failed, format!("a passphrase has at least {MIN_PASSPHRASE} characters of UTF-8 text")))
}

/// Makes a credential file with 256 random bits as text, mode 0400.
fn make_credential(path: &Path) -> Outcome {
    let mut bytes = [0; 32];
    SystemEntropy.fill(&mut bytes).map_err(|_| Stop::new(Exit::Failed, "the operating system gives no randomness"))?;
    let digit =
        |nibble: u8| char::from_digit(u32::from(nibble), 16).and_then(|digit| u8::try_from(digit).ok()).unwrap_or(b'0');
    // Filled in place: a buffer that grows leaves copies of the secret behind.
    let mut text = Vec::with_capacity(64);
    text.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0x0f)]));
    bytes.zeroize();
    write_new(path, SecretBytes::new(text).expose(), 0o400)
}

async fn open_new_database(config: &Config) -> Outcome<store::Database> {
    match &config.database.sqlite_file {
        Some(path) => {
            let options = store::Options { readers: config.database.max_connections };
            store::open_sqlite(path, options).await.map_err(not_opened)
        }
        None => crate::installation::open_database(&config.database).await,
    }
}

/// Writes out the configuration with a word on each part; paths of the operator's are made absolute.
fn configuration_text(init: &Init) -> String {
    let absolute = |path: &PathBuf| {
        toml::Value::from(std::path::absolute(path).unwrap_or_else(|_| path.clone()).display().to_string())
    };
    let database = match &init.postgres_url_file {
        Some(path) => format!("postgres_url_file = {}", absolute(path)),
        None => "sqlite_file = \"sealgate.db\"".to_owned(),
    };
    let custody = match (&init.credential_file, &init.passphrase_file) {
        (Some(path), _) => format!("credential_file = {}", absolute(path)),
        (None, Some(path)) => format!("passphrase_file = {}", absolute(path)),
        (None, None) => String::new(),
    };
    let plain = |address: &std::net::SocketAddr| {
        if address.ip().is_loopback() { "" } else { "# tls.certificate_file = \"…\"\n# tls.key_file = \"…\"\n" }
    };
    format!(
        "# Sealgate. `sealgate check-config` reads this file and prints what is in force.\n\n\
         [database]\n{database}\n\n\
         [custody]\nslots_file = \"custody.json\"\n{custody}\n\n\
         # Outside the database, best on another disk: it tells when the database was cut or replaced by an older one.\n\
         [audit]\nanchor_file = \"anchors\"\n\n\
         [[mllp]]\nname = \"main\"\nbind = \"{mllp}\"\n{mllp_tls}\n\
         [fhir]\nbind = \"{fhir}\"\n{fhir_tls}{base_url}\n\
         # People and applications sign in on the same address; who may is said by `sealgate connection`, `user`, `application`.\n\
         [sign_on]\nenabled = {sign_on}\n\n\
         [operations]\nbind = \"127.0.0.1:9464\"\n\n\
         [log]\nformat = \"text\"\nlevel = \"info\"\n",
        mllp = init.mllp,
        mllp_tls = plain(&init.mllp),
        fhir = init.fhir,
        fhir_tls = plain(&init.fhir),
        base_url = if init.fhir.ip().is_loopback() { "" } else { "# base_url = \"https://…/fhir\"\n" },
        // Beyond loopback it needs the address that browsers use, which nobody has said yet.
        sign_on = init.fhir.ip().is_loopback(),
    )
}
