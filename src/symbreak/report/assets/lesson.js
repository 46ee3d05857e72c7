(() => {
  "use strict";
  const all = (selector, where = document) => [...where.querySelectorAll(selector)];

  // A switch or a dial shows one frame of its figure.
  const show = (figure, place) => {
    for (const frame of all(":scope > .frame", figure)) frame.hidden = frame.dataset.frame !== String(place);
  };

  for (const choice of all(".switch input")) {
    const choose = () => choice.checked && show(choice.closest(".lesson-figure"), choice.value);
    // A browser may remember the choice of an earlier visit.
    choose();
    choice.addEventListener("change", choose);
  }

  for (const slider of all(".dial input")) {
    const names = all("output > span", slider.parentElement);
    const turn = () => {
      names.forEach((name, place) => (name.hidden = place !== Number(slider.value)));
      slider.setAttribute("aria-valuetext", names[slider.value].textContent);
      show(slider.closest(".lesson-figure"), slider.value);
    };
    turn();
    slider.addEventListener("input", turn);
  }

  const buttons = all("[data-filter]");
  const claims = all("article.claim");
  const filter = (verdict) => {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.filter === verdict));
    for (const claim of claims) claim.hidden = Boolean(verdict) && claim.dataset.verdict !== verdict;
    for (const section of all("main > section")) {
      section.hidden = !section.querySelector("article.claim:not([hidden])");
    }
    const left = claims.filter((claim) => !claim.hidden).length;
    document.getElementById("shown").textContent = `${left} of ${claims.length} claims shown`;
  };
  for (const button of buttons) button.addEventListener("click", () => filter(button.dataset.filter));

  // A link must lead to its claim, whatever is filtered out.
  const arrive = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target?.closest("[hidden]")) return;
    filter("");
    target.scrollIntoView();
  };
  addEventListener("hashchange", arrive);
  document.addEventListener("click", (event) => {
    if (event.target.closest?.('a[href^="#"]')) setTimeout(arrive);
  });

  addEventListener("beforeprint", () => all("details").forEach((each) => (each.open = true)));
})();
