// Passkeys by the browser's own functions. The server says what is wanted; what the authenticator answers goes back to it.
import { api, type Schemas } from "../../api/client";
import type { Key } from "../../text";

type Created = Omit<Schemas["NewPasskey"], "name">;

/** What `toJSON` of a credential makes, which TypeScript does not know. */
interface Answer<T> {
  id: string;
  response: T;
}

/** Something that went wrong in the browser, with the key of its sentence. */
export class PasskeyFailed extends Error {
  constructor(readonly key: Key) {
    super(key);
  }
}

/** Whether passkeys work on this page: `elsewhere` where the console was opened at another address than the server's
 * public one, `unsupported` in a browser without them, `off` where the server has no address for them. */
export type Support = "here" | "elsewhere" | "unsupported" | "off";

const supported = () => typeof window.PublicKeyCredential?.parseRequestOptionsFromJSON === "function";

export function support(origin: string): Support {
  if (!origin) return "off";
  if (origin !== window.location.origin || !window.isSecureContext) return "elsewhere";
  return supported() ? "here" : "unsupported";
}

async function asked(work: Promise<Credential | null>): Promise<PublicKeyCredential> {
  let found: Credential | null;
  try {
    found = await work;
  } catch (error) {
    // Browsers do not tell a person who changed their mind from one without a passkey.
    const name = error instanceof DOMException ? error.name : "";
    if (name === "NotAllowedError" || name === "AbortError") throw new PasskeyFailed("passkeys.declined");
    if (name === "InvalidStateError") throw new PasskeyFailed("passkeys.known");
    throw new PasskeyFailed("passkeys.failed");
  }
  if (!(found instanceof PublicKeyCredential)) throw new PasskeyFailed("passkeys.failed");
  return found;
}

export async function makePasskey(options: Schemas["PasskeyCreation"] | undefined): Promise<Created> {
  if (!options || !supported()) throw new PasskeyFailed("passkeys.unsupported");
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  const made = (await asked(navigator.credentials.create({ publicKey }))).toJSON() as Answer<Omit<Created, "id">>;
  const { clientDataJSON, attestationObject, transports } = made.response;
  return { id: made.id, clientDataJSON, attestationObject, transports };
}

async function showPasskey(options: Schemas["PasskeyRequest"] | undefined): Promise<Schemas["ShownPasskey"]> {
  if (!options || !supported()) throw new PasskeyFailed("passkeys.unsupported");
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  const shown = (await asked(navigator.credentials.get({ publicKey }))).toJSON() as Answer<
    Omit<Schemas["ShownPasskey"], "id">
  >;
  const { clientDataJSON, authenticatorData, signature, userHandle } = shown.response;
  return { id: shown.id, clientDataJSON, authenticatorData, signature, userHandle: userHandle ?? null };
}

/** Sign in with a passkey alone; who is signed in then. */
export async function enterWithPasskey(): Promise<Schemas["SignedIn"] | undefined> {
  const { data } = await api.POST("/api/v1/session/passkey/challenge", { body: {} });
  const body = await showPasskey(data);
  return (await api.POST("/api/v1/session/passkey", { body })).data;
}

/** Show a passkey as second factor. */
export async function verifyWithPasskey(): Promise<Schemas["SignedIn"] | undefined> {
  const { data } = await api.POST("/api/v1/session/secondFactor/passkey/challenge", { body: {} });
  const body = await showPasskey(data);
  return (await api.POST("/api/v1/session/secondFactor/passkey", { body })).data;
}
