import "./styles/first.css";
import { MantineProvider } from "@mantine/core";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Gate } from "./Gate";
import { SessionProvider } from "./session";
import { beginTexts, initialLanguage, TextProvider } from "./text";
import { theme } from "./theme";

const place = document.getElementById("root");
if (!place) throw new Error("the page has no place for the console");

beginTexts(initialLanguage());
createRoot(place).render(
  <StrictMode>
    <TextProvider>
      <MantineProvider theme={theme} defaultColorScheme="auto">
        <SessionProvider>
          <Gate />
        </SessionProvider>
      </MantineProvider>
    </TextProvider>
  </StrictMode>,
);
