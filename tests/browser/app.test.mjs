// An application that runs in a browser and nowhere else, made of the npm package fhirclient: its pages are of another origin.
import { strict as assert } from "node:assert";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { enrol, go, launch, type } from "./browser.mjs";
import { start } from "./gateway.mjs";

const SCOPES = ["openid", "fhirUser", "launch/patient", "offline_access", "patient/*.rs"];
let gateway, browser, page, app, stranger, client;

before(async () => {
  gateway = await start();
  browser = await launch();
  const library = await readFile("node_modules/fhirclient/build/fhir-client.js");
  app = await site((path) => (path === "/fhir-client.js" ? library : document(path)));
  stranger = await site(() => "<!doctype html><title>another site</title>");
  const added = await gateway.command(
    "application", "add-launch", "Chart in a page", "--tenant", "Harbour Hospital", "--redirect-uri", `${app.origin}/back`,
    ...SCOPES.flatMap((scope) => ["--scope", scope]), "--json",
  );
  client = JSON.parse(added).client_id;
  page = await (await browser.newContext()).newPage();
  await enrol(page, gateway.invitations.ada);
});

after(async () => {
  await browser?.close();
  app?.server.close();
  stranger?.server.close();
  await gateway?.stop();
});

/** Serves documents at an origin of their own. */
async function site(answer) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    response.setHeader("content-type", pathname.endsWith(".js") ? "text/javascript" : "text/html; charset=utf-8");
    response.end(answer(pathname));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, origin: `http://127.0.0.1:${server.address().port}` };
}

/** The two pages of the application: one that begins, and one that is returned to. */
function document(path) {
  const settings = { client_id: client, scope: SCOPES.join(" "), iss: `${gateway.origin}/fhir`, redirect_uri: `${app.origin}/back` };
  const begin = `FHIR.oauth2.authorize(${JSON.stringify({ ...settings, pkceMode: "required" })})`;
  const use = "FHIR.oauth2.ready().then((client) => { window.client = client; document.body.id = 'ready'; }, (fault) => { document.body.innerText = String(fault); })";
  return `<!doctype html><title>app</title><body><script src="/fhir-client.js"></script><script>${path === "/back" ? use : begin}</script>`;
}

test("a page at another origin is let in, reads, goes on and gives up what it had", async () => {
  await page.goto(`${app.origin}/launch`);
  await type(page, "Patient number", "H-4471-902");
  await go(page, "button", "Find");
  await go(page, "button", "Choose MERRIWEATHER");
  await go(page, "button", "Let it in");
  await page.waitForFunction(() => document.body.id === "ready" || document.body.innerText);
  assert.equal(await page.evaluate(() => document.body.innerText), "");
  assert.equal(new URL(page.url()).origin, app.origin);
  const did = await page.evaluate(async () => {
    const { client } = window;
    const patient = await client.patient.read();
    const reports = await client.patient.request("DiagnosticReport", { flat: true, pageLimit: 0 });
    const read = await client.request({ url: `Patient/${patient.id}`, includeResponse: true });
    const [tag, number] = ["etag", "x-request-id"].map((name) => read.response.headers.get(name));
    const again = await fetch(`${client.state.serverUrl}/Patient/${patient.id}`, {
      headers: { "authorization": `Bearer ${client.state.tokenResponse.access_token}`, "if-none-match": tag },
    });
    const user = await client.user.read();
    const { tokenResponse } = await client.refresh();
    return { family: patient.name[0].family, user: user.name[0].text, reports: reports.length, tag, number, again: again.status, token: tokenResponse.access_token };
  });
  assert.deepEqual([did.family, did.user, did.reports, did.again], ["MERRIWEATHER", "Ada Okoro", 2, 304]);
  assert.match(did.tag, /^W\/"\d+"$/);
  assert.match(did.number, /^[0-9a-f-]{36}$/);

  const url = `${gateway.origin}/fhir/DiagnosticReport`;
  const read = async ({ url, token }) => {
    try {
      const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
      return [answer.status, (await answer.json()).resourceType];
    } catch (fault) {
      return fault.name;
    }
  };
  assert.deepEqual(await page.evaluate(read, { url, token: did.token }), [200, "Bundle"]);
  // The same token in a page that nobody registered, in the same browser.
  const other = await page.context().newPage();
  await other.goto(stranger.origin);
  assert.equal(await other.evaluate(read, { url, token: did.token }), "TypeError");

  const given = await page.evaluate(async ({ url, id, token }) => {
    const body = new URLSearchParams({ client_id: id, token });
    return (await fetch(url, { method: "POST", body })).status;
  }, { url: `${gateway.origin}/oauth/revoke`, id: client, token: did.token });
  assert.equal(given, 200);
  // Why it is refused is for the page to read.
  assert.deepEqual(await page.evaluate(read, { url, token: did.token }), [401, "OperationOutcome"]);
});

test("what everybody may find out, any page may", async () => {
  const other = await (await browser.newContext()).newPage();
  await other.goto(stranger.origin);
  const paths = ["/fhir/metadata", "/fhir/.well-known/smart-configuration", "/.well-known/openid-configuration", "/oauth/jwks"];
  const read = ([origin, paths]) => Promise.all(paths.map(async (path) => (await fetch(origin + path)).status));
  assert.deepEqual(await other.evaluate(read, [gateway.origin, paths]), [200, 200, 200, 200]);
  // With its own cookies a page of ours is nobody else's to read.
  const account = (origin) => fetch(`${origin}/account`, { credentials: "include" }).then(() => "read", (fault) => fault.name);
  assert.equal(await other.evaluate(account, gateway.origin), "TypeError");
});
