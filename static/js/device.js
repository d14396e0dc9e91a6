// What could not be sent is kept on the device until it can, encrypted with a key that is good for this session only: the
// page brings it along, signing out empties the storage, and after a new session nobody can read what is left.
const PREFIX = "ungesendet:";
const encoder = new TextEncoder();

const keyOf = (text) =>
  crypto.subtle?.importKey("raw", Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0)), "AES-GCM", false, ["encrypt", "decrypt"]);
const toText = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)));
const toBytes = (text) => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));

export class Device {
  constructor(key) { this.key = keyOf(key); } // undefined where the browser has no cryptography: then nothing is kept

  async keep(place, thing) {
    if (!this.key) return;
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: encoder.encode(place) }, await this.key, encoder.encode(JSON.stringify(thing)));
    localStorage.setItem(PREFIX + place, `${toText(iv)}.${toText(sealed)}`);
  }

  async take(place) {
    const kept = localStorage.getItem(PREFIX + place);
    if (!kept || !this.key) return null;
    const [iv, sealed] = kept.split(".");
    try {
      const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv: toBytes(iv), additionalData: encoder.encode(place) }, await this.key, toBytes(sealed));
      return JSON.parse(new TextDecoder().decode(plain));
    } catch {
      this.forget(place); // of another session, or of somebody else
      return null;
    }
  }

  forget(place) { localStorage.removeItem(PREFIX + place); }
}
