// A real OpenID provider on loopback, for tests: `node oidc.mjs`. Prints `oidc <issuer>` once it listens.
//
//   PORT        its port; 0, which is also the default, takes a free one
//   RP          address of the gateway, http://127.0.0.1:8080 by default
//   CONNECTION  id of the connection at the gateway, for sign-out notices and its keys; without it no notice is sent and no key is known
//   ALG         algorithm of the ID tokens: RS256 (default), ES256, PS256
//
// Clients: `gateway` with the secret below, `gateway-public` without one, and `gateway-key` with the keys of the connection. People sign in by name and any password at a
// form with the fields `login` and `password`: alice (Provider, two factors), bob (Admin, two factors), carol (Staff, a password
// alone), dave (in no group, with no role). Whoever enters `cancel` declines. SIGUSR1 replaces its keys; sessions live on.
import { createServer } from 'node:http';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { Provider } from 'oidc-provider';

const gateway = process.env.RP ?? 'http://127.0.0.1:8080';
const algorithm = process.env.ALG ?? 'RS256';
const notices = process.env.CONNECTION && {
  backchannel_logout_uri: `${gateway}/auth/oidc/backchannel/${process.env.CONNECTION}`,
  backchannel_logout_session_required: true,
};

const cookieKey = randomUUID();
const twoFactors = { acr: 'urn:mfa', amr: ['pwd', 'otp'] };
const onePassword = { acr: 'urn:pwd', amr: ['pwd'] };
const people = {
  alice: { name: 'Alice Adams', email: 'alice@clinic.example', groups: ['clinic-a-providers'], roles: ['Provider'] },
  bob: { name: 'Bob Brown', email: 'bob@clinic.example', groups: ['admins'], roles: ['Admin'] },
  carol: { name: 'Carol Clark', email: 'carol@clinic.example', groups: ['clinic-a-staff'], roles: ['Staff'] },
  dave: { name: 'Dave Davis', email: 'dave@clinic.example', groups: [], roles: [] },
};

const key = (alg, type, options) => ({
  ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }),
  kid: randomUUID(),
  use: 'sig',
  alg,
});
const keys = () => [
  key('RS256', 'rsa', { modulusLength: 2048 }),
  key('PS256', 'rsa', { modulusLength: 2048 }),
  key('ES256', 'ec', { namedCurve: 'P-256' }),
];

const client = (id, authentication) => ({
  client_id: id,
  redirect_uris: [`${gateway}/auth/oidc/callback`],
  post_logout_redirect_uris: [`${gateway}/signed-out`],
  grant_types: ['authorization_code'],
  response_types: ['code'],
  id_token_signed_response_alg: algorithm,
  ...notices,
  ...authentication,
});

const configuration = () => ({
  jwks: { keys: keys() },
  clients: [
    client('gateway', {
      client_secret: 'gateway-secret-of-tests-0123456789abcdef',
      token_endpoint_auth_method: 'client_secret_basic',
    }),
    client('gateway-public', { token_endpoint_auth_method: 'none' }),
    ...(process.env.CONNECTION ? [client('gateway-key', {
      jwks_uri: `${gateway}/auth/oidc/keys/${process.env.CONNECTION}`,
      token_endpoint_auth_method: 'private_key_jwt',
    })] : []),
  ],
  findAccount: (_, name) => people[name] && { accountId: name, claims: () => ({ sub: name, ...people[name] }) },
  claims: { openid: ['sub', 'acr', 'amr'], profile: ['name', 'groups', 'roles'], email: ['email'] },
  acrValues: ['urn:pwd', 'urn:mfa'],
  // What is asked for is in the ID token, as with most providers that clinics have.
  conformIdTokenClaims: false,
  features: {
    devInteractions: { enabled: false },
    backchannelLogout: { enabled: Boolean(notices) },
    rpInitiatedLogout: { enabled: true },
  },
  pkce: { required: () => true },
  enabledJWA: { idTokenSigningAlgValues: ['RS256', 'PS256', 'ES256'] },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  loadExistingGrant,
  // Its own way to fetch refuses loopback, where the gateway is.
  fetch: (url, { dispatcher, ...options }) => fetch(url, options),
  cookies: { keys: [cookieKey] },
  ttl: { AccessToken: 300, AuthorizationCode: 60, IdToken: 300, Interaction: 600, Grant: 3600, Session: 3600 },
});

// Whoever signs in consents to everything that is asked for.
async function loadExistingGrant({ oidc }) {
  const { client, session, provider, requestParamScopes } = oidc;
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
  grant.addOIDCScope([...requestParamScopes].join(' '));
  await grant.save();
  return grant;
}

const page = (uid) => `<!doctype html><html lang="en"><title>Test provider</title>
<form method="post" action="/interaction/${uid}"><label>Name <input name="login" autofocus></label>
<label>Password <input name="password" type="password"></label> <button>Sign in</button></form></html>`;

async function interact(provider, request, response) {
  const { uid } = await provider.interactionDetails(request, response);
  if (request.method !== 'POST') {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page(uid));
    return;
  }
  let body = '';
  for await (const chunk of request) body += chunk;
  const name = new URLSearchParams(body).get('login');
  if (name === 'cancel') {
    await provider.interactionFinished(request, response, { error: 'access_denied' });
  } else if (people[name]) {
    const login = { accountId: name, ...(name === 'carol' ? onePassword : twoFactors) };
    await provider.interactionFinished(request, response, { login }, { mergeWithLastSubmission: false });
  } else {
    response.writeHead(403, { 'content-type': 'text/html; charset=utf-8' }).end(page(uid));
  }
}

function start(issuer) {
  const provider = new Provider(issuer, configuration());
  for (const event of ['server_error', 'backchannel.error']) {
    provider.on(event, (...told) => console.error(event, told.find((one) => one instanceof Error)));
  }
  // Each connection comes back to an address of its own, which is not known before the connection is there.
  const own = new RegExp(`^${gateway.replaceAll('.', '\\.')}/auth/oidc/callback(/[0-9a-f-]{36})?$`);
  provider.Client.prototype.redirectUriAllowed = (address) => own.test(address);
  const answer = provider.callback();
  return (request, response) => {
    if (!request.url.startsWith('/interaction/')) return answer(request, response);
    return interact(provider, request, response).catch(() => response.writeHead(400).end());
  };
}

const server = createServer();
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  let answer = start(issuer);
  server.on('request', (request, response) => answer(request, response));
  process.on('SIGUSR1', () => {
    answer = start(issuer);
    console.log('oidc keys replaced');
  });
  console.log(`oidc ${issuer}`);
});
