// Lets a security key answer a form, where the browser can: the only script there is. Forms that need it are hidden without it.
"use strict";
(() => {
  if (!window.PublicKeyCredential || !navigator.credentials) return;

  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
  const text = (buffer) => {
    const letters = Array.from(new Uint8Array(buffer), (one) => String.fromCharCode(one)).join("");
    return btoa(letters).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  };
  const known = (keys) => (keys || []).map((one) => ({ ...one, id: bytes(one.id) }));

  const ways = {
    async create(asked) {
      const user = { ...asked.user, id: bytes(asked.user.id) };
      const options = { ...asked, user, challenge: bytes(asked.challenge), excludeCredentials: known(asked.excludeCredentials) };
      const made = await navigator.credentials.create({ publicKey: options });
      const { attestationObject, clientDataJSON } = made.response;
      return answer(made, { attestationObject: text(attestationObject), clientDataJSON: text(clientDataJSON) });
    },
    async get(asked) {
      const options = { ...asked, challenge: bytes(asked.challenge), allowCredentials: known(asked.allowCredentials) };
      const shown = await navigator.credentials.get({ publicKey: options });
      const { authenticatorData, clientDataJSON, signature } = shown.response;
      return answer(shown, {
        authenticatorData: text(authenticatorData),
        clientDataJSON: text(clientDataJSON),
        signature: text(signature),
        userHandle: null,
      });
    },
  };
  const answer = (credential, response) =>
    JSON.stringify({ id: credential.id, rawId: text(credential.rawId), type: credential.type, response });

  for (const without of document.querySelectorAll("[data-without-keys]")) without.hidden = true;
  for (const form of document.querySelectorAll("form[data-key]")) {
    const failed = form.querySelector("[data-failed]");
    let busy = false;
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (busy) return;
      // What is missing the gateway says, before a key is asked.
      if (!form.checkValidity()) return form.submit();
      busy = true;
      failed.hidden = true;
      try {
        const asked = JSON.parse(form.dataset.options).publicKey;
        form.elements.namedItem("answer").value = await ways[form.dataset.key](asked);
        form.submit();
      } catch {
        failed.hidden = false;
      }
      busy = false;
    });
  }
})();
