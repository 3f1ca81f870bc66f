// A Keycloak on loopback, and what its administrator does in the console: by the calls that the console makes.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

const ADMIN = { username: "admin", password: "admin-of-the-tests" };
/** How long a start may take on a busy machine, in milliseconds. */
const START = 240_000;

/** The key of everybody's authenticator app at Keycloak; there its letters are taken as they are. */
export const OTP_LETTERS = "harbour-otter-lantern-92";
export const PASSWORD = "quay-seven-pelican-31";

/** Starts Keycloak in development mode, with a database in memory; `stop` ends it. */
export async function start(folder, port) {
  const child = spawn(join(folder, "bin", "kc.sh"), [
    "start-dev", "--db=dev-mem", "--http-host=127.0.0.1", `--http-port=${port}`, "--cache=local", "--log-level=warn,org.keycloak.events:debug",
    "--http-management-port=0",
  ], {
    env: {
      ...process.env,
      KC_BOOTSTRAP_ADMIN_USERNAME: ADMIN.username,
      KC_BOOTSTRAP_ADMIN_PASSWORD: ADMIN.password,
      JAVA_OPTS_KC_HEAP: "-Xms128m -Xmx640m",
    },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const said = [];
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on("line", (line) => said.push(line));
  const base = `http://127.0.0.1:${port}`;
  const began = Date.now();
  for (;;) {
    if (child.exitCode !== null) throw new Error(`Keycloak ended with ${child.exitCode}:\n${said.slice(-30).join("\n")}`);
    if (Date.now() - began > START) throw new Error(`Keycloak does not start:\n${said.slice(-30).join("\n")}`);
    if (await fetch(`${base}/realms/master`).then((got) => got.ok, () => false)) break;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  const stop = async () => {
    if (child.exitCode === null) {
      const ended = once(child, "exit");
      process.kill(-child.pid, "SIGKILL");
      await ended;
    }
  };
  return { base, stop, said, seconds: (Date.now() - began) / 1000 };
}

/** Calls the administration of Keycloak; returns what it answers, or the id of what was made. */
export async function administer(base, method, path, body, type = "application/json") {
  const form = new URLSearchParams({ grant_type: "password", client_id: "admin-cli", ...ADMIN });
  const granted = await fetch(`${base}/realms/master/protocol/openid-connect/token`, { method: "POST", body: form });
  const { access_token: token } = await granted.json();
  const answer = await fetch(`${base}/admin/realms${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body !== undefined && { "content-type": type }) },
    body: body === undefined || typeof body === "string" ? body : JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  const made = answer.headers.get("location")?.split("/").pop();
  return made ?? (text === "" ? undefined : JSON.parse(text));
}

/** Makes a realm with two groups and two people who have an authenticator app: Alice is a doctor, Dave is not. */
export async function makeRealm(base, realm) {
  const person = (username, firstName, lastName, groups) => ({
    username, firstName, lastName, email: `${username}@harbour.example`, emailVerified: true, enabled: true, groups,
    credentials: [
      { type: "password", value: PASSWORD },
      {
        type: "otp",
        secretData: JSON.stringify({ value: OTP_LETTERS }),
        credentialData: JSON.stringify({ subType: "totp", digits: 6, counter: 0, period: 30, algorithm: "HmacSHA1" }),
      },
    ],
  });
  await administer(base, "POST", "", {
    realm,
    enabled: true,
    // Several sign-ins within half a minute are nothing unusual in tests.
    otpPolicyType: "totp", otpPolicyAlgorithm: "HmacSHA1", otpPolicyDigits: 6, otpPolicyPeriod: 30, otpPolicyLookAheadWindow: 1,
    otpPolicyInitialCounter: 0, otpPolicyCodeReusable: true,
    // Realm settings › General › ACR to LoA Mapping.
    attributes: { "acr.loa.map": JSON.stringify({ gold: "2" }) },
    groups: [{ name: "lab-doctors" }, { name: "visitors" }],
    users: [person("alice", "Alice", "Adams", ["lab-doctors"]), person("dave", "Dave", "Doyle", ["visitors"])],
  });
}

/** Makes a browser flow of password and, from level 2 on, authenticator app; it becomes the realm's. */
export async function makeSteppedFlow(base, realm) {
  await makeFlow(base, realm, "stepped", [
    { level: 1, maxAge: 36_000, provider: "auth-username-password-form" },
    { level: 2, maxAge: 0, provider: "auth-otp-form" },
  ]);
}

/** Makes a flow that always asks for both; returns its id. */
export async function makeStrictFlow(base, realm) {
  const call = (method, path, body) => administer(base, method, `/${realm}/authentication${path}`, body);
  const id = await call("POST", "/flows", { alias: "strict", providerId: "basic-flow", topLevel: true, builtIn: false });
  for (const provider of ["auth-username-password-form", "auth-otp-form"]) {
    await call("POST", "/flows/strict/executions/execution", { provider });
  }
  for (const execution of await call("GET", "/flows/strict/executions")) {
    await call("PUT", "/flows/strict/executions", { ...execution, requirement: "REQUIRED" });
  }
  return id;
}

async function makeFlow(base, realm, alias, levels) {
  const call = (method, path, body) => administer(base, method, `/${realm}/authentication${path}`, body);
  const forms = `${alias} forms`;
  await call("POST", "/flows", { alias, providerId: "basic-flow", topLevel: true, builtIn: false });
  await call("POST", `/flows/${alias}/executions/execution`, { provider: "auth-cookie" });
  await call("POST", `/flows/${alias}/executions/flow`, { alias: forms, type: "basic-flow" });
  for (const { level, provider } of levels) {
    const name = `${alias} level ${level}`;
    await call("POST", `/flows/${encodeURIComponent(forms)}/executions/flow`, { alias: name, type: "basic-flow" });
    for (const each of ["conditional-level-of-authentication", provider]) {
      await call("POST", `/flows/${encodeURIComponent(name)}/executions/execution`, { provider: each });
    }
  }
  let conditions = 0;
  for (const execution of await call("GET", `/flows/${alias}/executions`)) {
    const required = { 0: "ALTERNATIVE", 1: "CONDITIONAL", 2: "REQUIRED" }[execution.level];
    await call("PUT", `/flows/${alias}/executions`, { ...execution, requirement: required });
    if (execution.providerId === "conditional-level-of-authentication") {
      const { level, maxAge } = levels[conditions];
      const config = { "loa-condition-level": String(level), "loa-max-age": String(maxAge) };
      await call("POST", `/executions/${execution.id}/config`, { alias: `${alias} ${level}`, config });
      conditions += 1;
    }
  }
  await administer(base, "PUT", `/${realm}`, { browserFlow: alias });
}
