// A gateway for one realm, set up by the commands of the operator documentation, read from the document itself.
import { execFile, spawn } from "node:child_process";
import { readFile, rm, writeFile } from "node:fs/promises";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { answering, freePort, settings } from "./gateway.mjs";

const run = promisify(execFile);

/** Starts a gateway with a tenant Harbour that has a clinic Cardiology; `stop` ends it and removes its folder. */
export async function start() {
  const folder = await mkdtemp(join(tmpdir(), "sealgate-keycloak-"));
  const [mllp, http] = [await freePort(), await freePort()];
  const sealgate = process.env.SEALGATE;
  const config = join(folder, "sealgate.toml");
  await run(sealgate, [
    "init", "--folder", folder, "--credential-file", join(folder, "credential"),
    "--mllp", `127.0.0.1:${mllp}`, "--fhir", `127.0.0.1:${http}`,
  ]);
  // Browsers keep Secure cookies of plain http for localhost alone.
  const origin = `http://localhost:${http}`;
  const { stdout: made } = await run(sealgate, ["--config", config, "sso", "keys", "--folder", join(folder, "saml")]);
  const written = settings(await readFile(config, "utf8"), origin);
  await writeFile(config, `${written}\n${made.slice(made.indexOf("\n\n") + 2)}`);
  const shell = async (line) => {
    // What the document calls sealgate is the one under test.
    const named = `sealgate() { ${JSON.stringify(sealgate)} --config ${JSON.stringify(config)} "$@"; }\nset -e\n${line}`;
    return (await run("bash", ["-c", named], { cwd: folder })).stdout;
  };
  await shell('sealgate tenant add Harbour\nsealgate tenant add-clinic Cardiology --tenant Harbour');
  const tenant = JSON.parse(await shell("sealgate tenant list --json")).find((one) => one.name === "Harbour").id;
  const child = spawn(sealgate, ["--config", config, "serve"], { stdio: ["ignore", "ignore", "inherit"] });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  await answering(origin, child);
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  return { folder, origin, tenant, shell, stop };
}

/** Returns the commands of a section of the document about sign-on, one text a block. */
export async function documented(section) {
  const text = await readFile(process.env.SIGN_ON_DOCUMENT, "utf8");
  const at = text.indexOf(`\n### ${section}\n`);
  if (at < 0) throw new Error(`the document has no section ${section}`);
  const body = text.slice(at + 5).split(/\n##+ /)[0];
  return [...body.matchAll(/```sh\n([\s\S]*?)```/g)].map((block) => block[1]);
}
