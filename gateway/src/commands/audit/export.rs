//! `sealgate audit export`: a chain as JSON Lines, verified while it is written.

use super::private_file::PrivateFile;
use super::{CHAIN, head};
use crate::chains::Chains;
use crate::commands::console::Console;
use crate::commands::find;
use crate::config::Config;
use crate::exit::{Exit, Outcome, Stop};
use crate::installation::{Installation, open_anchors};
use crate::output;
use domain::access::Act as _;
use domain::access::{ExportAudit, Role};
use domain::audit::{ChainHead, ChainId, ChainKeys, CheckpointKey, Context, ExportWriter, SegmentKeyFile};
use domain::journal::Act;
use std::path::Path;

/// Exports the chain of a tenant or of the system; the export is its own last entry.
pub(super) async fn run(config: &Config, tenant: &str, to: &Path, key_file: Option<&Path>) -> Outcome {
    let installation = Installation::open(config).await?;
    let done = export(config, &installation, tenant, to, key_file).await;
    installation.close().await;
    done
}

async fn export(
    config: &Config,
    installation: &Installation,
    tenant: &str,
    to: &Path,
    key_file: Option<&Path>,
) -> Outcome {
    let chain = find::chain(&installation.directory().await?, tenant)?;
    let console = Console::new(installation, chain.tenant(), Role::Auditor);
    let id = chain.to_string();
    let permit = console.permit::<ExportAudit>(CHAIN, &id).await?;
    let with_keys = if key_file.is_some() { "with segment keys" } else { "without segment keys" };
    let context = Context {
        request: Some("audit export".to_owned()),
        reason: Some(with_keys.to_owned()),
        rule: Some(permit.rule().to_owned()),
        ..Context::default()
    };
    // Recorded before the first byte is written, whatever becomes of it.
    console.record(Act::done(ExportAudit::ACTION.name(), CHAIN, &id), context).await?;

    let anchors = open_anchors(config, &installation.roots)?.all();
    let head = head(installation, chain).await?;
    let chains = Chains { store: &installation.store, audit_root: &installation.roots.audit, anchors: Some(anchors) };
    write(&chains, installation, chain, &head, to).await?;
    output::note(format_args!("{} entries of chain {chain} written to {}", head.length, to.display()));
    if let Some(path) = key_file {
        let keys = ChainKeys::derive(&installation.roots.audit);
        let public = CheckpointKey::derive(&installation.roots.audit).public();
        let mut file = PrivateFile::begin(path)?;
        file.write(SegmentKeyFile::of(&keys, public, chain, 1, head.length).to_json().as_bytes())?;
        file.finish()?;
        output::note(format_args!(
            "verification keys written to {}: secret, whoever has them could forge entries between checkpoints",
            path.display()
        ));
    }
    Ok(())
}

/// Writes entries only once they are verified; a broken chain leaves no file.
async fn write(
    chains: &Chains<'_>,
    installation: &Installation,
    chain: ChainId,
    head: &ChainHead,
    to: &Path,
) -> Outcome {
    let checkpoints = installation.store.checkpoints(chain).await;
    let checkpoints = checkpoints
        .map_err(|_| Stop::new(Exit::Unavailable, "the checkpoints cannot be read: the database does not answer"))?;
    let key = CheckpointKey::derive(&installation.roots.audit);
    let mut writer = ExportWriter::new(chain, 1, head.length, checkpoints, &key);
    let mut file = PrivateFile::begin(to)?;
    let mut written = Ok(());
    let verified = chains.chain_with(chain, head, 0, |verifier, block| {
        verifier.block(&block.lines)?;
        let lines = writer.block(&block.lines)?;
        if written.is_ok() {
            written = file.write(&lines);
        }
        Ok(())
    });
    verified.await?;
    written?;
    file.write(&writer.finish().map_err(crate::chains::NotVerified::from)?)?;
    file.finish()
}
