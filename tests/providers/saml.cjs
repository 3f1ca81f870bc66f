// A real SAML identity provider on loopback, for tests: `node saml.cjs`. Prints `saml <address>` once it listens.
//
//   PORT     its port; 0, which is also the default, takes a free one
//   KEYS     folder with idp.crt and idp.key (PEM)
//   ACS      where responses go; AUD: for whom they are
//   ENC      algorithm (URI) by which assertions are encrypted, for sp.crt and sp.pub in the same folder; none without it
//
// GET /metadata describes it; GET /samlp signs in whoever `user` in the query names, without a form: Alice by default.
const express = require('express');
const samlp = require('samlp');
const fs = require('node:fs');
const path = require('node:path');

const file = (name) => fs.readFileSync(path.join(process.env.KEYS ?? '.', name));
const acs = process.env.ACS ?? 'http://127.0.0.1:8080/acs';
const identity = {
  issuer: 'https://idp.example/saml',
  cert: file('idp.crt'),
  key: file('idp.key'),
  audience: process.env.AUD ?? 'https://sp.example',
  recipient: acs,
  destination: acs,
  getPostURL: (_audience, _request, _original, done) => done(null, acs),
  signatureAlgorithm: 'rsa-sha256',
  digestAlgorithm: 'sha256',
  signResponse: true,
  lifetimeInSeconds: 300,
  getUserFromRequest: (request) => {
    const id = request.query.user ?? 'alice';
    const name = id === 'alice' ? 'Alice Adams' : 'Somebody Else';
    return { id, displayName: name, name: {}, emails: [{ value: `${id}@clinic.example` }], groups: [`${id}s-group`] };
  },
  ...(process.env.ENC && {
    encryptionPublicKey: file('sp.pub'),
    encryptionCert: file('sp.crt'),
    encryptionAlgorithm: process.env.ENC,
  }),
};

const app = express();
app.get('/samlp', samlp.auth(identity));
const endpoints = { redirectEndpointPath: '/samlp', postEndpointPath: '/samlp' };
app.get('/metadata', samlp.metadata({ issuer: identity.issuer, cert: identity.cert, ...endpoints }));
const server = app.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
  console.log(`saml http://127.0.0.1:${server.address().port}`);
});
