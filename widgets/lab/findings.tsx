// What was found in the chapters and in the glossary, and the glossary as a whole.
import { Fragment, type ReactElement, useSyncExternalStore } from "react";
import { type Hit, inline, type Lookup, marked, type Place, type Term, termsWith } from "./lookup";
import { nameOf } from "./words";

/** Opens a chapter at a place. */
export type OpenPlace = (place: Place) => void;

interface Props {
  lookup: Lookup;
  open: OpenPlace;
}

/** Terms and cells in which all words are. */
export function Findings({ lookup, open }: Props): ReactElement {
  const { query, found, glossary, trouble } = useSyncExternalStore(lookup.subscribe, lookup.snapshot);
  const terms = termsWith(query, glossary?.terms ?? []);
  return (
    <div className="dlnb-findings">
      {trouble && (
        <p className="dlnb-message" role="alert">
          {trouble}
        </p>
      )}
      <p className="dlnb-message" role="status">
        {found ? countText(found.count, found.hits.length, terms.length) : trouble ? "" : "Searching …"}
      </p>
      {terms.length > 0 && (
        <>
          <h3 id="dlnb-terms-found">In the glossary</h3>
          <Terms terms={terms} open={open} label="dlnb-terms-found" />
        </>
      )}
      {found && found.hits.length > 0 && (
        <>
          <h3 id="dlnb-found">In the chapters</h3>
          <ul role="list" aria-labelledby="dlnb-found">
            {found.hits.map((hit) => (
              <li key={`${hit.path} ${hit.at}`}>
                <HitButton hit={hit} open={open} />
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}

function HitButton({ hit, open }: { hit: Hit; open: OpenPlace }): ReactElement {
  return (
    <button type="button" className="dlnb-hit" onClick={() => open(hit)}>
      <span className="dlnb-title">{hit.heading || placeName(hit)}</span>
      <span className="dlnb-meta">
        {placeName(hit)}
        {hit.kind === "code" && ", code"}
      </span>
      <span className={hit.kind === "code" ? "dlnb-snippet dlnb-code" : "dlnb-snippet"}>
        {marked(hit.snippet, hit.marks).map((piece, at) =>
          piece.mark ? <mark key={at}>{piece.text}</mark> : <Fragment key={at}>{piece.text}</Fragment>,
        )}
      </span>
    </button>
  );
}

/** The whole glossary, closed at first. */
export function Glossary({ lookup, open }: Props): ReactElement {
  const { glossary } = useSyncExternalStore(lookup.subscribe, lookup.snapshot);
  return (
    <details className="dlnb-glossary" onToggle={(event) => event.currentTarget.open && void lookup.open()}>
      <summary>
        <h3 id="dlnb-glossary">
          Glossary{" "}
          <small>{glossary?.terms.length ? `${glossary.terms.length} ${glossary.terms.length === 1 ? "term" : "terms"}` : ""}</small>
        </h3>
      </summary>
      {glossary === null && <p className="dlnb-message">Reading the glossary …</p>}
      {glossary?.message && <p className="dlnb-message">{glossary.message}</p>}
      {glossary && glossary.terms.length > 0 && <Terms terms={glossary.terms} open={open} label="dlnb-glossary" />}
    </details>
  );
}

function Terms({ terms, open, label }: { terms: Term[]; open: OpenPlace; label: string }): ReactElement {
  return (
    <ul role="list" className="dlnb-terms" aria-labelledby={label}>
      {terms.map((term) => (
        <li key={term.name}>
          <details className="dlnb-term">
            <summary>{term.name}</summary>
            {term.also.length > 0 && <p className="dlnb-meta">Also: {term.also.join(", ")}</p>}
            {term.words.split("\n").map((line, at) => (
              <p key={at}>
                <Inline text={line} />
              </p>
            ))}
            {term.taught.length > 0 && (
              <ul role="list" aria-label={`Where ${term.name} is taught`}>
                {term.taught.map((place) => (
                  <li key={`${place.path} ${place.heading}`}>
                    <button type="button" className="dlnb-link" onClick={() => open(place)}>
                      <span>{place.words}</span>
                      <small> {placeName(place)}</small>
                    </button>
                  </li>
                ))}
              </ul>
            )}
          </details>
        </li>
      ))}
    </ul>
  );
}

function Inline({ text }: { text: string }): ReactElement {
  return (
    <>
      {inline(text).map(({ text: words, as: Tag }, at) => (Tag ? <Tag key={at}>{words}</Tag> : <Fragment key={at}>{words}</Fragment>))}
    </>
  );
}

function placeName(place: Place): string {
  return nameOf({ kind: place.of, number: place.number, title: place.title });
}

/** "3 places, 1 term", and that not all are shown. */
function countText(count: number, shown: number, terms: number): string {
  if (!count && !terms) return "Nothing found. Try fewer or shorter words.";
  const places = `${count} ${count === 1 ? "place" : "places"}`;
  const words = terms ? `, ${terms} ${terms === 1 ? "term" : "terms"}` : "";
  return `${places}${words}${shown < count ? `; the first ${shown} are shown` : ""}`;
}
