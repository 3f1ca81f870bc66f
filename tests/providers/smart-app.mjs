// A SMART application on a server, made of the npm package fhirclient: `node smart-app.mjs`. Prints `smart-app <address>` once it listens.
//
//   /settings?client_id=…&iss=…&scope=…   what it is registered as, and what it asks for
//   /launch                               begins: by itself, or with the `iss` and `launch` that it is opened with
//   /back                                 redeems the code, uses the tokens, and says as JSON what it could do
import { createServer } from 'node:http';
import smart from 'fhirclient';

const settings = {};
// One browser at a time, so one session.
const session = {};

const storage = {
  get: async (key) => session[key],
  set: async (key, value) => (session[key] = value),
  unset: async (key) => delete session[key],
};

async function launch(request, response) {
  const opened = new URL(request.url, 'http://localhost').searchParams.has('launch');
  await smart(request, response, storage).authorize({
    client_id: settings.client_id,
    scope: settings.scope,
    redirect_uri: `http://${request.headers.host}/back`,
    pkceMode: 'required',
    ...(opened ? {} : { iss: settings.iss }),
  });
}

async function back(request, response) {
  const client = await smart(request, response, storage).ready();
  const first = client.state.tokenResponse;
  const patient = await client.patient.read();
  const observations = await client.patient.request('Observation', { flat: true, pageLimit: 0 });
  const refreshed = first.refresh_token ? (await client.refresh()).tokenResponse : undefined;
  const after = await client.request(`Patient/${client.patient.id}`);
  response.end(JSON.stringify({
    patient: patient.id,
    same: after.id === client.patient.id,
    observations: observations.length,
    fhirUser: client.user.fhirUser,
    user: await client.user.read(),
    claims: client.getIdToken(),
    scope: first.scope,
    rotated: refreshed && refreshed.refresh_token !== first.refresh_token,
    access_token: (refreshed ?? first).access_token,
  }));
}

const server = createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://localhost');
  request.session = session;
  try {
    if (pathname === '/settings') {
      Object.assign(settings, Object.fromEntries(searchParams));
      response.end('{}');
    } else if (pathname === '/launch') {
      await launch(request, response);
    } else if (pathname === '/back') {
      await back(request, response);
    } else {
      response.writeHead(404).end();
    }
  } catch (fault) {
    if (!response.headersSent) response.writeHead(500);
    response.end(JSON.stringify({ fault: String(fault) }));
  }
});
server.listen(0, '127.0.0.1', () => console.log(`smart-app http://127.0.0.1:${server.address().port}`));
