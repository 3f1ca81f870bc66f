// A real gateway with a tenant, four people and their results; nobody in it exists.
import { execFile, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
/** The listener that `sealgate init` writes to the configuration. */
const LISTENER = "main";

/** Starts a gateway; `stop` ends it and removes its folder. */
export async function start() {
  const folder = await mkdtemp(join(tmpdir(), "sealgate-browser-"));
  const [mllp, http] = [await freePort(), await freePort()];
  const sealgate = process.env.SEALGATE;
  const config = join(folder, "sealgate.toml");
  await run(sealgate, [
    "init", "--folder", folder, "--credential-file", join(folder, "credential"),
    "--mllp", `127.0.0.1:${mllp}`, "--fhir", `127.0.0.1:${http}`,
  ]);
  // Browsers keep Secure cookies of plain http for localhost alone.
  const origin = `http://localhost:${http}`;
  const written = await readFile(config, "utf8");
  await writeFile(config, settings(written, origin));
  const command = async (...args) => (await run(sealgate, ["--config", config, ...args])).stdout;
  await command("tenant", "add", "Harbour Hospital");
  await command("tenant", "add-clinic", "Far Clinic", "--tenant", "Harbour Hospital");
  await command(
    "interface", "add", "harbour-lab", "--tenant", "Harbour Hospital", "--listener", LISTENER, "--peer", "127.0.0.1",
  );
  const invite = async (name, display, ...more) =>
    JSON.parse(await command(
      "user", "add", name, "--tenant", "Harbour Hospital", "--display", display, "--role", "provider", ...more, "--json",
    )).invitation;
  const invitations = {
    ada: await invite("ada", "Ada Okoro"),
    // Nothing was delivered for this clinic: whatever he opens, he opens in an emergency.
    ben: await invite("ben", "Ben Visiting", "--clinic", "Far Clinic"),
    dan: await invite("dan", "Dan Keyholder"),
    cay: await invite("cay", "Cay Reviewing", "--role", "auditor"),
  };
  const child = spawn(sealgate, ["--config", config, "serve"], { stdio: ["ignore", "ignore", "inherit"] });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  await answering(origin, child);
  await send(folder, command, results());
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  const local = (link) => origin + new URL(link, origin).pathname;
  const links = Object.entries(invitations).map(([name, link]) => [name, local(link)]);
  return { origin, stop, command, invitations: Object.fromEntries(links) };
}

/** Returns the configuration that `sealgate init` wrote, with an address of our own. */
export function settings(written, origin) {
  const own = (name, line) => written.match(new RegExp(`^\\[${name}\\]$`, "m"))
    ? (text) => text.replace(`[${name}]\n`, `[${name}]\n${line}\n`)
    : (text) => `${text}\n[${name}]\n${line}\n`;
  const signOn = /^enabled = true$/m.test(written) ? (text) => text : own("sign_on", "enabled = true");
  // Nothing but the pages and the listener is asked for, so nothing else takes a port.
  return signOn(own("fhir", `base_url = "${origin}/fhir"`)(written.replace("127.0.0.1:9464", "127.0.0.1:0")));
}

/** Finds a port that nobody has. */
export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Waits until a gateway answers. */
export async function answering(origin, child) {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    if (child.exitCode !== null) throw new Error(`the gateway ended with exit code ${child.exitCode}`);
    const answered = await fetch(`${origin}/sign-in`, { redirect: "manual" }).then((got) => got.status < 500, () => false);
    if (answered) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("the gateway does not answer");
}

async function send(folder, command, messages) {
  for (const [at, text] of messages.entries()) {
    const file = join(folder, `message-${at}.hl7`);
    await writeFile(file, text.replaceAll("\n", "\r"));
    await command("send", file);
  }
}

/** A report that is corrected, and a preliminary one with a document and letters of two directions. */
function results() {
  const head = (control, time) =>
    `MSH|^~\\&|LIS|HARBOURLAB|SEALGATE|HARBOUR|${time}+0000||ORU^R01^ORU_R01|${control}|P|2.5.1|||||||UNICODE UTF-8`;
  const patient = "PID|1||H-4471-902^^^HARBOUR^MR||MERRIWEATHER^PHILIPPA^J||19640229|F";
  const count = (control, time, status, haemoglobin) => [
    head(control, time),
    patient,
    `OBR|1|A-771^EHR|24-0417^LIS|58410-2^CBC panel - Blood by Automated count^LN|||20260301094500+0000|||||||||D-12^OKORO^ADA^^^DR||||||${time}+0000||HM|${status}`,
    `OBX|1|NM|718-7^Haemoglobin [Mass/volume] in Blood^LN||${haemoglobin}|g/dL^g/dL^UCUM|12.0-15.5|L|||${status}|||20260301094500+0000`,
    `OBX|2|NM|4544-3^Haematocrit of Blood^LN||31.0|%^%^UCUM|36-46|LL|||${status}`,
    `OBX|3|SN|26515-7^Platelets [#/volume] in Blood^LN||>^450|10*9/L^10*9/L^UCUM|150-400|HH|||${status}`,
    `OBX|4|NM|6690-2^Leukocytes^LN||7.20|10*9/L^10*9/L^UCUM|4.0-10.0|N|||${status}`,
    `OBX|5|ST|18314-5^Morphology of blood cells^LN||Microcytosis, see note|||A|||${status}`,
    "NTE|1|L|Suggest iron studies.",
    "SPM|1|^S-1&LIS||BLD^Whole blood^HL70487|||||||||||||20260301094000+0000|20260301095500+0000",
    "",
  ].join("\n");
  const letter = Buffer.from("%PDF-1.4\n% a letter without content\n").toString("base64");
  const long = [
    head("BR-3", "20260302080000"),
    patient,
    "OBR|1|A-772^EHR|24-0418^LIS|24331-1^Lipid panel with a name that is much longer than anybody would like it to be on a telephone^LN|||20260302074500+0000|||||||||D-12^OKORO^ADA^^^DR||||||20260302080000+0000||CH|P",
    "OBX|1|NM|2093-3^Cholesterol [Mass/volume] in Serum or Plasma^LN||190|mg/dL^mg/dL^UCUM|<200||||P",
    "OBX|2|TX|8251-1^Comment^LN||שלום, תוצאה ראשונית|||A|||P",
    `OBX|3|ED|11502-2^Laboratory letter^LN||^application^pdf^Base64^${letter}||||||P`,
    "",
  ].join("\n");
  return [
    count("BR-1", "20260301101500", "F", "9.80"),
    count("BR-2", "20260301111500", "C", "8.90"),
    long,
  ];
}

/** The one-time password of a base32 key at this moment (RFC 6238). */
export function code(key, at = Date.now()) {
  const bits = [...key.replaceAll(/\s/g, "")].map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter));
  const bytes = [];
  let [held, count] = [0, 0];
  for (const five of bits) {
    held = (held << 5) | five;
    count += 5;
    if (count >= 8) {
      count -= 8;
      bytes.push((held >> count) & 255);
      held &= (1 << count) - 1;
    }
  }
  const moving = Buffer.alloc(8);
  moving.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
  const mac = createHmac("sha1", Buffer.from(bytes)).update(moving).digest();
  const offset = mac[19] & 15;
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}
