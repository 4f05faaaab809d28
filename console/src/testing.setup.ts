import { cleanup } from "@testing-library/react";
import { afterEach, beforeAll, vi } from "vitest";
import { initialLanguage, loadTexts } from "./text";

beforeAll(() => loadTexts(initialLanguage()));

// All files share one page, which is quicker than one for each; so each test leaves it as it was.
afterEach(() => {
  cleanup();
  localStorage.clear();
  sessionStorage.clear();
});
vi.unstubAllGlobals();

// What jsdom has not, and Mantine asks for.
vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: () => {}, removeEventListener: () => {} }));
vi.stubGlobal(
  "ResizeObserver",
  class {
    observe() {}
    unobserve() {}
    disconnect() {}
  },
);
// Addresses are relative to the page.
const NodeRequest = Request;
vi.stubGlobal(
  "Request",
  class extends NodeRequest {
    constructor(given: RequestInfo | URL, init?: RequestInit) {
      super(given instanceof NodeRequest ? given : new URL(String(given), location.href), init);
    }
  },
);
window.scrollTo = () => {};
Element.prototype.scrollIntoView = () => {};
