// People sign in and out through Keycloak, by OpenID Connect and by SAML, in a real browser; what its administrator and ours type is
// what gateway/docs/sign-on.md tells them to.
import { strict as assert } from "node:assert";
import { createHmac } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { freePort } from "./gateway.mjs";
import { OTP_LETTERS, PASSWORD, administer, makeRealm, makeSteppedFlow, makeStrictFlow, start as startKeycloak } from "./realm.mjs";
import { documented, start } from "./site.mjs";

let keycloak, browser;

before(async () => {
  // One that runs already saves a minute when the suite itself is worked on.
  const running = process.env.KEYCLOAK_ADDRESS;
  keycloak = running ? { base: running, stop: async () => {} } : await startKeycloak(process.env.KEYCLOAK, await freePort());
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
});

after(async () => {
  await browser?.close();
  await keycloak?.stop();
});

/** The code that the authenticator app shows for Keycloak. */
function code() {
  const moving = Buffer.alloc(8);
  moving.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const mac = createHmac("sha1", OTP_LETTERS).update(moving).digest();
  return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

/** Opens a browser of nobody. */
async function visitor() {
  const context = await browser.newContext();
  const page = await context.newPage();
  page.on("console", (message) => assert.ok(!/form-action|Content Security Policy/.test(message.text()), message.text()));
  return page;
}

/** Goes from our page through Keycloak's forms and back. */
async function signIn(page, site, name) {
  await page.goto(`${site.origin}/sign-in/${site.tenant}`);
  await page.getByRole("link", { name: "Continue with Harbour login" }).click();
  await page.locator("#username").fill(name);
  await page.locator("#password").fill(PASSWORD);
  await page.locator("#kc-login").click();
  await page.locator("#otp").fill(code());
  await page.locator("#kc-login").click();
  await page.waitForURL((url) => url.origin === site.origin);
}

async function chain(site, action) {
  return site.shell(`sealgate audit show --tenant Harbour --action ${action} --context`);
}

async function within(seconds, what, holds) {
  for (const until = Date.now() + seconds * 1_000; Date.now() < until;) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  assert.fail(`it does not happen within ${seconds} s that ${what}`);
}

const isSignedIn = async (page, site) => {
  await page.goto(`${site.origin}/account`);
  return new URL(page.url()).pathname === "/account";
};

/** Whether Keycloak asks anew who somebody is. */
async function isAskedAgain(page, site) {
  await page.goto(`${site.origin}/sign-in/${site.tenant}`);
  await page.getByRole("link", { name: "Continue with Harbour login" }).click();
  const asked = page.locator("#username").waitFor({ timeout: 20_000 }).then(() => true);
  const back = page.waitForURL((url) => url.origin === site.origin && url.pathname === "/patients", { timeout: 20_000 }).then(() => false);
  return Promise.any([asked, back]);
}

/** Signs out by our own page and goes the step that leads to the provider. */
async function signOut(page, site) {
  await page.goto(`${site.origin}/account`);
  await page.getByRole("button", { name: "Sign out", exact: true }).first().click();
  const out = (url) => url.origin === site.origin && url.pathname === "/signed-out";
  // By OpenID Connect, Keycloak asks first: it is told who asks, not who is to be signed out.
  await page.waitForURL((url) => out(url) || url.pathname.endsWith("/openid-connect/logout"), { timeout: 15_000 });
  if (!out(new URL(page.url()))) await page.locator("#kc-logout").click();
  await page.waitForURL(out, { timeout: 15_000 });
}

/** The tests that hold whichever protocol is spoken. */
function common(protocol, display, prepare) {
  let site, realm;
  test(`${protocol}: the document's commands connect a realm`, { timeout: 120_000 }, async () => {
    realm = `harbour-${protocol.toLowerCase()}-${Date.now()}`;
    site = await start();
    await makeRealm(keycloak.base, realm);
    await makeSteppedFlow(keycloak.base, realm);
    await prepare(site, realm);
    await within(10, "the connection is offered", async () =>
      (await (await fetch(`${site.origin}/sign-in/${site.tenant}`)).text()).includes("Harbour login"));
  });

  test(`${protocol}: a doctor signs in with password and second factor`, { timeout: 60_000 }, async () => {
    const page = await visitor();
    await signIn(page, site, "alice");
    assert.equal(new URL(page.url()).pathname, "/patients", await page.locator("main").innerText());
    assert.ok(await isSignedIn(page, site));
    const account = await page.locator("main").innerText();
    for (const words of [display, "Provider", "Cardiology"]) assert.ok(account.includes(words), account);
    assert.ok((await chain(site, "LoginSucceeded")).includes(display));
  });

  test(`${protocol}: who fits no rule gets no session, and the chain says why`, { timeout: 60_000 }, async () => {
    const page = await visitor();
    await signIn(page, site, "dave");
    assert.match(await page.locator("h1").innerText(), /could not be signed in/);
    assert.ok(!await isSignedIn(page, site));
    assert.match(await chain(site, "LoginFailed"), /unmapped/);
  });

  test(`${protocol}: signing out here signs out at Keycloak`, { timeout: 60_000 }, async () => {
    const page = await visitor();
    await signIn(page, site, "alice");
    await signOut(page, site);
    assert.ok(!await isSignedIn(page, site));
    assert.ok(await isAskedAgain(page, site), "the session at Keycloak is over");
  });

  return { site: () => site, realm: () => realm };
}

const addresses = (shown) => JSON.parse(shown).addresses;

const oidc = common("OIDC", "Alice Adams", async (site, realm) => {
  // Clients › Create client; Settings; Advanced; the mapper of groups.
  const made = await administer(keycloak.base, "POST", `/${realm}/clients`, {
    clientId: "sealgate", protocol: "openid-connect", publicClient: false, standardFlowEnabled: true,
    directAccessGrantsEnabled: false, serviceAccountsEnabled: false, frontchannelLogout: false,
    attributes: { "pkce.code.challenge.method": "S256", "backchannel.logout.session.required": "true" },
    protocolMappers: [{
      name: "groups", protocol: "openid-connect", protocolMapper: "oidc-group-membership-mapper",
      config: { "claim.name": "groups", "full.path": "false", "id.token.claim": "true" },
    }],
  });
  const { value } = await administer(keycloak.base, "GET", `/${realm}/clients/${made}/client-secret`);
  await writeFile(join(site.folder, "client-secret"), value, { mode: 0o600 });
  const [add, ...rest] = await documented("Keycloak by OpenID Connect");
  // A realm on this machine is asked without TLS; nothing else differs from the document.
  const here = add.replace("https://idp.example/realms/harbour", `${keycloak.base}/realms/${realm} --allow-http-loopback`);
  assert.notEqual(here, add);
  await site.shell(here);
  const printed = addresses(await site.shell('sealgate connection show "Harbour login" --json'));
  const client = await administer(keycloak.base, "GET", `/${realm}/clients/${made}`);
  await administer(keycloak.base, "PUT", `/${realm}/clients/${made}`, {
    ...client,
    redirectUris: [printed.redirect],
    attributes: {
      ...client.attributes,
      "post.logout.redirect.uris": printed.after_logout,
      "backchannel.logout.url": printed["back-channel_logout"],
    },
  });
  for (const block of rest) await site.shell(block);
});

test("OIDC: signing out at Keycloak ends the session here", { timeout: 60_000 }, async () => {
  const site = oidc.site();
  const page = await visitor();
  await signIn(page, site, "alice");
  const [alice] = await administer(keycloak.base, "GET", `/${oidc.realm()}/users?username=alice&exact=true`);
  await administer(keycloak.base, "POST", `/${oidc.realm()}/users/${alice.id}/logout`);
  await within(10, "the session is over", async () => !await isSignedIn(page, site));
});

test("OIDC: what a session needs is proved once more where it is asked for", { timeout: 60_000 }, async () => {
  const site = oidc.site();
  const page = await visitor();
  await signIn(page, site, "alice");
  await page.goto(`${site.origin}/step-up`);
  await page.locator("#password").fill(PASSWORD);
  await page.locator("#kc-login").click();
  await page.locator("#otp").fill(code());
  await page.locator("#kc-login").click();
  await page.waitForURL((url) => url.origin === site.origin);
  assert.ok(await isSignedIn(page, site));
  await site.stop();
});

const saml = common("SAML", "alice", async (site, realm) => {
  const descriptor = await fetch(`${keycloak.base}/realms/${realm}/protocol/saml/descriptor`);
  await writeFile(join(site.folder, "descriptor.xml"), await descriptor.text());
  const [add, ...rest] = await documented("Keycloak by SAML");
  await site.shell(add);
  const printed = addresses(await site.shell('sealgate connection show "Harbour login" --json'));
  // Clients › Import client, with our metadata; then its settings, and the mapper of groups.
  const ours = await within15(async () => {
    const metadata = await fetch(printed.our_metadata);
    return metadata.ok && metadata.text();
  });
  const client = await administer(keycloak.base, "POST", `/${realm}/client-description-converter`, ours, "text/plain");
  await administer(keycloak.base, "POST", `/${realm}/clients`, {
    ...client,
    attributes: {
      ...client.attributes,
      "saml_name_id_format": "persistent", "saml_force_name_id_format": "true", "saml.assertion.signature": "true",
      "saml.client.signature": "true", "saml.encrypt": "true",
    },
    defaultClientScopes: [],
    authenticationFlowBindingOverrides: { browser: await makeStrictFlow(keycloak.base, realm) },
    protocolMappers: [
      ...client.protocolMappers ?? [],
      {
        name: "groups", protocol: "saml", protocolMapper: "saml-group-membership-mapper",
        config: { "attribute.name": "groups", "attribute.nameformat": "Basic", single: "true", "full.path": "false" },
      },
      {
        name: "name", protocol: "saml", protocolMapper: "saml-user-property-mapper",
        config: { "user.attribute": "username", "attribute.name": "name", "attribute.nameformat": "Basic" },
      },
    ],
  });
  for (const block of rest) await site.shell(block);
});

async function within15(made) {
  let found;
  await within(15, "it is there", async () => (found = await made()));
  return found;
}

test("SAML: signing out at Keycloak ends the session here", { timeout: 60_000 }, async () => {
  const site = saml.site();
  const page = await visitor();
  await signIn(page, site, "alice");
  await page.goto(`${keycloak.base}/realms/${saml.realm()}/protocol/openid-connect/logout`);
  await page.locator("#kc-logout").click();
  await page.waitForLoadState();
  assert.ok(!await isSignedIn(page, site));
  await site.stop();
});
