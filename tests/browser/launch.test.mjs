// An application is let in by a person at a real browser: the way out of our pages is what their content policy must allow.
import { strict as assert } from "node:assert";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { enrol, go, launch, look, PASSWORD, type } from "./browser.mjs";
import { start } from "./gateway.mjs";

const CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
let gateway, browser, page, app, client, recovery;

before(async () => {
  gateway = await start();
  browser = await launch();
  const server = createServer((request, response) => response.end("<!doctype html><title>app</title><h1>app</h1>"));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  app = { server, address: `http://127.0.0.1:${server.address().port}` };
  const scopes = ["openid", "fhirUser", "launch", "launch/patient", "offline_access", "patient/*.rs", "user/Observation.rs"];
  const added = await gateway.command(
    "application", "add-launch", "Growth chart", "--tenant", "Harbour Hospital", "--redirect-uri", `${app.address}/back`,
    "--launch-uri", `${app.address}/launch`, ...scopes.flatMap((scope) => ["--scope", scope]), "--json",
  );
  client = JSON.parse(added).client_id;
  page = await (await browser.newContext()).newPage();
  page.on("console", (message) => assert.ok(!/Content Security Policy/.test(message.text()), message.text()));
  [recovery] = await enrol(page, gateway.invitations.ada);
});

after(async () => {
  await browser?.close();
  app?.server.close();
  await gateway?.stop();
});

function request(more) {
  return `${gateway.origin}/oauth/authorize?${new URLSearchParams({
    response_type: "code", client_id: client, redirect_uri: `${app.address}/back`, state: "state-1",
    aud: `${gateway.origin}/fhir`, code_challenge: CHALLENGE, code_challenge_method: "S256", ...more,
  })}`;
}

test("a patient is chosen, and the answer reaches the application", async () => {
  await page.goto(request({ scope: "openid fhirUser launch/patient offline_access patient/*.rs user/Observation.rs" }));
  await look(page, "choose-patient");
  await type(page, "Patient number", "H-4471-902");
  await go(page, "button", "Find");
  await look(page, "choose-patient-found");
  await go(page, "button", "Choose MERRIWEATHER");
  await page.getByText("It asks to").waitFor();
  await look(page, "consent");
  await go(page, "button", "Let it in");
  const back = new URL(page.url());
  assert.equal(back.origin, app.address);
  assert.ok(back.searchParams.get("code") && back.searchParams.get("state") === "state-1", page.url());
  assert.equal(back.searchParams.get("iss"), gateway.origin);
});

test("whoever declines is sent back with nothing", async () => {
  await page.goto(request({ scope: "openid" }));
  await go(page, "button", "Do not let it in");
  const back = new URL(page.url());
  assert.equal(back.origin, app.address);
  assert.equal(back.searchParams.get("error"), "access_denied");
});

test("an application is opened from a patient's page", async () => {
  await page.goto(`${gateway.origin}/patients`);
  await type(page, "Patient number", "H-4471-902");
  await go(page, "button", "Find");
  await go(page, "link", "MERRIWEATHER");
  await look(page, "patient-with-application");
  await go(page, "button", "Open with Growth chart");
  const opened = new URL(page.url());
  assert.equal(opened.origin + opened.pathname, `${app.address}/launch`);
  await page.goto(request({ scope: "launch patient/*.rs", launch: opened.searchParams.get("launch") }));
  await page.getByText("It is about the patient above").waitFor();
  await go(page, "button", "Let it in");
  assert.ok(new URL(page.url()).searchParams.get("code"), page.url());
});

test("a request that is refused after signing in by a form reaches the application", async () => {
  const other = await (await browser.newContext()).newPage();
  other.on("console", (message) => assert.ok(!/Content Security Policy/.test(message.text()), message.text()));
  await other.goto(request({ scope: "launch patient/*.rs", launch: "A".repeat(43) }));
  await type(other, "Sign-in name", "ada");
  await type(other, "Password", PASSWORD);
  await go(other, "button", "Sign in");
  await go(other, "link", "Use a recovery code instead");
  await type(other, "Recovery code", recovery);
  await go(other, "button", "Continue");
  const back = new URL(other.url());
  assert.equal(back.origin, app.address);
  assert.equal(back.searchParams.get("error"), "invalid_request");
});
