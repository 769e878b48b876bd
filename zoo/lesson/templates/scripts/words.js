// The text by its name, in the language of the section that an element is in; `values` replace what is in braces.
function say(place, name, values = {}) {
  const language = place.closest("[lang]").lang;
  return lessonData.words[language][name].replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);
}
